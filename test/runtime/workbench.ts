/** What the workbench plugins of the fixtures tell about themselves. */
export interface About {
  readonly pid: number;
  readonly initialised: number;
  readonly config: unknown;
}

/** A schema for their configs. */
export const SCHEMA = {
  type: 'object',
  properties: { model: { type: 'string', default: 'base' }, beams: { type: 'integer', default: 5 } },
};

/** One plugin without an SDK, and both workbenches. */
export const three = {
  plain: { fixture: 'bare' },
  python: { fixture: 'workbench-python' },
  tools: { fixture: 'workbench' },
};
