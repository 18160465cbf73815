/** The six states of a plugin, each with its phases: what goes on inside it. The machine's tree has the same names. */
export const PHASES = {
  discovered: ['idle', 'stopping'],
  spawning: ['admitting', 'installing', 'launching', 'initializing', 'resuming'],
  ready: ['ready'],
  busy: ['serving', 'draining'],
  released: ['releasing', 'warm', 'cold'],
  crashed: ['deciding', 'backoff', 'failed'],
} as const;

/** The state of a plugin. */
export type PluginState = keyof typeof PHASES;

/** What goes on inside a state; `ready` has one phase of the same name. */
export type PluginPhase = (typeof PHASES)[PluginState][number];

/** Where the states stand in the machine's tree: the path of `busy.serving` is `alive.lifecycle.busy.serving`. */
export const LIFECYCLE = 'alive.lifecycle.';
