/** What becomes of a key: it has an equal, Greenroom does it in another way, or it cannot be done. */
export type Verdict = 'mapped' | 'noted' | 'refused';

/** Where something stands in a configuration: `['models', 'qwen', 'ttl']`. */
export type ConfigPath = readonly (string | number)[];

/** What became of one key of a configuration. */
export interface Finding {
  readonly path: ConfigPath;
  readonly verdict: Verdict;
  /** Of what is mapped, the field that it became; else why it was not, and what to do. */
  readonly what: string;
}

/** A key that cannot be mapped. */
export function refused(path: ConfigPath, what: string): Finding {
  return { path, verdict: 'refused', what };
}

/** A key that was mapped or left out, with something to know about it. */
export function noted(path: ConfigPath, what: string): Finding {
  return { path, verdict: 'noted', what };
}

/** A path as messages show it: `models.qwen.aliases[1]`. */
export function pathText(path: ConfigPath): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index > 0 ? '.' : ''}${step}`))
    .join('');
}
