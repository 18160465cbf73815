import type { ChartDefinition, ChartState, ChartTransition } from '../../wire.ts';

/** The states of a machine that are open: their paths. What is not open is drawn as one box. */
export type OpenStates = ReadonlySet<string>;

/** A state and all in it, from the outside in. */
export function statesOf(state: ChartState): ChartState[] {
  return [state, ...state.states.flatMap(statesOf)];
}

/** Whether one path is another, or lies in it; every path lies in the root's, which is `''`. */
export function isWithin(path: string, outer: string): boolean {
  return outer === '' || path === outer || path.startsWith(`${outer}.`);
}

/**
 * The states to open for a first look: the machine, what is parallel in it, and of its regions those that have more in
 * them than a row of states.
 */
export function topLevel({ root }: ChartDefinition): OpenStates {
  const open = new Set<string>();
  const visit = (state: ChartState): void => {
    open.add(state.path);
    for (const child of state.states) {
      const isRegion = state.type === 'parallel' && child.states.some(({ states }) => states.length > 0);
      if (child.type === 'parallel' || isRegion) visit(child);
    }
  };
  visit(root);
  return open;
}

/** Every state that has states in it. */
export function everyLevel({ root }: ChartDefinition): OpenStates {
  const composite = statesOf(root).filter(({ states }) => states.length > 0);
  return new Set(composite.map(({ path }) => path));
}

/** What a transition waits for, in words: `LOAD`, `after drain`, `release done`, `at once`. */
export function causeText({ kind, event, delay }: ChartTransition, { invokes }: ChartState): string {
  switch (kind) {
    case 'event':
      return event;
    case 'always':
      return 'at once';
    case 'after':
      return `after ${typeof delay === 'number' ? `${delay} ms` : (delay ?? '')}`;
    case 'done':
    case 'error': {
      const source = invokes.find(({ id }) => id === event)?.source ?? 'substates';
      return `${source} ${kind === 'done' ? 'done' : 'failed'}`;
    }
  }
}
