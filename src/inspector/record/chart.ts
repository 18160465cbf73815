import type { AnyStateMachine, StateNode } from 'xstate';
import type { ChartDefinition, ChartState, ChartTransition } from '../wire.ts';

/** What XState keeps of an action or a guard: a name, an object with one, or a function that its own makers mark. */
type Named =
  | string
  | { readonly type?: unknown; readonly guards?: readonly Named[]; readonly event?: unknown; readonly name?: string };

type Transition = NonNullable<StateNode['always']>[number];

/** A machine as it is drawn, as plain data. Read from `machine.root`: the machine's JSON leaves `always` out. */
export function chartOf(machine: AnyStateMachine): ChartDefinition {
  return { id: machine.id, root: stateOf(machine.root) };
}

/** The paths of the innermost states of a state value, one for each parallel region. */
export function pathsOf(value: unknown): string[] {
  const paths: string[] = [];
  collectPaths(value, '', paths);
  return paths;
}

/** Asked at every transition, so it makes no more than the paths. */
function collectPaths(value: unknown, parent: string, paths: string[]): void {
  if (typeof value === 'string') paths.push(parent === '' ? value : `${parent}.${value}`);
  if (typeof value !== 'object' || value === null) return;
  let isInnermost = parent !== '';
  for (const key in value) {
    isInnermost = false;
    collectPaths((value as Record<string, unknown>)[key], parent === '' ? key : `${parent}.${key}`, paths);
  }
  if (isInnermost) paths.push(parent);
}

function stateOf(node: StateNode): ChartState {
  const initial = node.type === 'compound' ? node.initial.target[0]?.id : undefined;
  return {
    id: node.id,
    key: node.key,
    path: node.path.join('.'),
    type: node.type,
    ...(initial !== undefined && { initial }),
    entry: actionsOf(node.entry),
    exit: actionsOf(node.exit),
    invokes: node.invoke.map(({ id, src }) => ({ id, source: typeof src === 'string' ? src : id })),
    transitions: transitionsOf(node),
    states: Object.values(node.states).map(stateOf),
  };
}

function transitionsOf(node: StateNode): ChartTransition[] {
  const delays = new Map(node.after.map(({ eventType, delay }) => [eventType, delay]));
  return [...node.transitions.values(), node.always ?? []].flat().map((transition) => ({
    ...causeOf(transition, delays),
    targets: (transition.target ?? []).map(({ id }) => id),
    ...(transition.guard !== undefined && { guard: nameOf(transition.guard as unknown as Named) }),
    actions: actionsOf(transition.actions),
    reenter: transition.reenter,
  }));
}

const KINDS = [
  ['done', 'xstate.done.actor.'],
  ['done', 'xstate.done.state.'],
  ['error', 'xstate.error.actor.'],
] as const;

function causeOf(
  { eventType }: Transition,
  delays: ReadonlyMap<string, unknown>,
): Pick<ChartTransition, 'kind' | 'event' | 'delay'> {
  if (eventType === '') return { kind: 'always', event: '' };
  if (delays.has(eventType)) {
    const delay = delays.get(eventType);
    return { kind: 'after', event: '', delay: typeof delay === 'number' ? delay : nameOf(delay as Named) };
  }
  for (const [kind, prefix] of KINDS) {
    if (eventType.startsWith(prefix)) return { kind, event: eventType.slice(prefix.length) };
  }
  return { kind: 'event', event: eventType };
}

/** Without those by which XState itself starts and ends the timers of `after`. */
function actionsOf(actions: readonly unknown[]): string[] {
  return (actions as readonly Named[]).filter((action) => !isTimer(action)).map(nameOf);
}

function isTimer(action: Named): boolean {
  if (typeof action === 'string') return false;
  if (action.type === 'xstate.cancel') return true;
  return action.type === 'xstate.raise' && typeOf(action.event)?.startsWith('xstate.after.') === true;
}

function nameOf(named: Named): string {
  if (typeof named === 'string') return named;
  if (named.guards !== undefined) return `${named.name ?? 'guard'}(${named.guards.map(nameOf).join(', ')})`;
  const sent = typeOf(named.event);
  if (sent !== undefined && typeof named.name === 'string') return `${named.name}(${sent})`;
  if (typeof named.type === 'string' && !named.type.startsWith('xstate.')) return named.type;
  return named.name === undefined || named.name === '' ? 'inline' : named.name;
}

function typeOf(event: unknown): string | undefined {
  const type = typeof event === 'object' && event !== null ? (event as { type?: unknown }).type : undefined;
  return typeof type === 'string' ? type : undefined;
}
