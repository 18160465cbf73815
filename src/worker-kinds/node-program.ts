/** The Node that runs Node plugins. */
export interface NodeProgram {
  readonly file: string;
  /** What it needs in its environment to be Node. */
  readonly env: Readonly<Record<string, string>>;
  /** Why it cannot be started as Node; `undefined` where it can. */
  readonly problem: string | undefined;
}

/** What to do where {@link nodeProgram} has a problem, or its file cannot be run. */
export const NODE_ADVICE = 'Set nodePath (or GREENROOM_NODE_PATH) to the path of a Node';

/**
 * The Node to start: the one that is set, else the one that runs this program. An Electron application is Node only
 * where the environment says so; a single executable application is itself whatever it is started with.
 */
export function nodeProgram(nodePath: string | undefined): NodeProgram {
  if (nodePath !== undefined) return { file: nodePath, env: {}, problem: undefined };
  return {
    file: process.execPath,
    env: process.versions['electron'] === undefined ? {} : { ELECTRON_RUN_AS_NODE: '1' },
    problem: isSingleExecutable()
      ? `this program, ${process.execPath}, is a single executable and not Node`
      : undefined,
  };
}

function isSingleExecutable(): boolean {
  return process.getBuiltinModule('node:sea')?.isSea() ?? false;
}
