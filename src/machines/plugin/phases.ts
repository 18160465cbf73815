import type { PluginContext } from './context.ts';

/** The six states of a plugin, each with its phases: what goes on inside it. The machine's tree has the same names. */
export const PHASES = {
  discovered: ['idle', 'stopping'],
  spawning: ['admitting', 'launching', 'initializing', 'resuming'],
  ready: ['ready'],
  busy: ['serving', 'draining'],
  released: ['releasing', 'warm', 'cold'],
  crashed: ['deciding', 'backoff', 'failed'],
} as const;

/** The state of a plugin. */
export type PluginState = keyof typeof PHASES;

/** What goes on inside a state; `ready` has one phase of the same name. */
export type PluginPhase = (typeof PHASES)[PluginState][number];

/** A state of the machine as far as this needs to know. */
interface State {
  readonly entry?: unknown;
  readonly states?: Readonly<Record<string, State>>;
}

/** Where the states stand in the machine's tree: the path of `busy.serving` is `alive.lifecycle.busy.serving`. */
export const LIFECYCLE = 'alive.lifecycle.';

/** The same states, each phase of which first tells the host that it was entered, by its own place in the tree. */
export function announced<States extends Readonly<Record<PluginState, object>>>(states: States): States {
  const each = Object.entries(states) as [PluginState, State][];
  return Object.fromEntries(
    each.map(([state, node]) => {
      if (node.states === undefined) return [state, withEntry(node, state, state as PluginPhase)];
      const phases = Object.entries(node.states) as [PluginPhase, State][];
      const announcing = phases.map(([phase, inner]) => [phase, withEntry(inner, state, phase)]);
      return [state, { ...node, states: Object.fromEntries(announcing) as State['states'] }];
    }),
  ) as States;
}

function withEntry(node: State, state: PluginState, phase: PluginPhase): State {
  const entered = ({ context, event }: { context: PluginContext; event: { readonly type: string } }): void =>
    context.host.entered(context, state, phase, event);
  return { ...node, entry: [entered, ...[node.entry ?? []].flat()] };
}
