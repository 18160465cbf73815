import type { PluginContext } from './context.ts';
import type { PluginPhase, PluginState } from './phases.ts';

/** A state of the machine as far as this needs to know. */
interface State {
  readonly entry?: unknown;
  readonly states?: Readonly<Record<string, State>>;
}

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
