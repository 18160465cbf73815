import { expect, test } from 'vitest';
import { type ActorLogic, type Snapshot } from 'xstate';
import { getAdjacencyMap } from 'xstate/graph';
import { policyNamed } from '../../src/scheduler/policies/policies.ts';
import { type Action, CheckedScheduler } from '../scheduler/checked-scheduler.ts';
import { need } from '../scheduler/need.ts';

interface Step {
  readonly type: string;
  readonly plugin: number;
  readonly action: Action;
}

/** A state of the scheduler, reached by its path, since the ledger changes in place and cannot be branched. */
type Place = Snapshot<undefined> & {
  readonly path: readonly Step[];
  readonly summary: string;
  readonly legal: ReadonlySet<string>;
  readonly value: unknown;
};

interface Small {
  readonly plugins: number;
  readonly slots: number;
  readonly queue: number;
  readonly prompt: boolean;
  readonly actions: readonly Action[];
  /** After how long one that waits has others yield. */
  readonly maxWaitMs?: number;
  /** The most instances of each plugin. */
  readonly instances?: readonly number[];
}

function walk({ plugins, slots, queue, prompt, actions, maxWaitMs, instances }: Small) {
  const steps: Step[] = Array.from({ length: plugins }, (_, plugin) =>
    actions.map((action) => ({ type: `${action} ${plugin}`, plugin, action })),
  ).flat();
  const needs = Array.from({ length: plugins }, () => need());
  const reach = (path: readonly Step[]): Place => {
    const scheduler = new CheckedScheduler(
      needs,
      { policy: policyNamed('queue', { maxWaitMs }), capacity: { slots }, maxWaiting: queue },
      prompt,
      undefined,
      instances,
    );
    for (const { plugin, action } of path) {
      const actor = scheduler.plugins[plugin];
      if (actor !== undefined) scheduler.do(actor, action);
    }
    const legal = new Set<string>();
    for (const { type, plugin, action } of steps) {
      const actor = scheduler.plugins[plugin];
      if (actor !== undefined && scheduler.can(actor, action)) legal.add(type);
    }
    const place = { path, summary: scheduler.summary(), legal, value: scheduler.actor.getSnapshot().value };
    scheduler.stop();
    return { status: 'active', output: undefined, error: undefined, ...place };
  };
  const logic: ActorLogic<Place, Step> = {
    transition: (place, step) => reach([...place.path, step]),
    getInitialSnapshot: () => reach([]),
    getPersistedSnapshot: (place) => place,
  };
  return getAdjacencyMap(logic, {
    events: steps,
    filterEvents: (place, step) => place.legal.has(step.type),
    serializeState: (place) => place.summary as never,
    limit: 100_000,
  });
}

const ACTIONS_WALKED: readonly Action[] = ['acquire', 'withdraw', 'call', 'return', 'freed'];

test.each<Small>([
  { plugins: 3, slots: 1, queue: 1, prompt: true, actions: ACTIONS_WALKED },
  { plugins: 3, slots: 1, queue: 3, prompt: true, actions: ACTIONS_WALKED },
  { plugins: 3, slots: 2, queue: 1, prompt: true, actions: ACTIONS_WALKED },
  { plugins: 3, slots: 2, queue: 2, prompt: true, actions: ACTIONS_WALKED },
  { plugins: 3, slots: 2, queue: 3, prompt: true, actions: ACTIONS_WALKED },
  { plugins: 3, slots: 1, queue: 2, prompt: true, actions: [...ACTIONS_WALKED, 'deny'], maxWaitMs: 0 },
  { plugins: 2, slots: 2, queue: 2, prompt: true, actions: [...ACTIONS_WALKED, 'grow', 'promote'], instances: [2, 2] },
  { plugins: 2, slots: 3, queue: 2, prompt: true, actions: [...ACTIONS_WALKED, 'grow', 'promote'], instances: [3, 1] },
])(
  'every state of $plugins plugins on $slots slots with a queue of $queue (prompt: $prompt, yields after $maxWaitMs ms) is sound and can be left for rest',
  { timeout: 120_000 },
  (small) => {
    const map = walk(small);
    const places = Object.entries(map);
    const seen = new Set(places.map(([, { state }]) => state.value));
    expect(seen).toEqual(new Set(['settled', 'evicting', 'waiting']));
    // From every state some way leads back to the first one, where nobody holds or wants anything.
    const before = new Map<string, string[]>();
    for (const [from, { transitions }] of places) {
      for (const { state } of Object.values<{ readonly state: Place }>(transitions)) {
        const key = state.summary;
        before.set(key, [...(before.get(key) ?? []), from]);
      }
    }
    const settled = new Set(places.filter(([, { state }]) => state.value === 'settled').map(([key]) => key));
    const frontier = [...settled];
    for (let key = frontier.pop(); key !== undefined; key = frontier.pop()) {
      for (const from of before.get(key) ?? []) {
        if (settled.has(from)) continue;
        settled.add(from);
        frontier.push(from);
      }
    }
    expect(settled.size).toBe(places.length);
  },
);
