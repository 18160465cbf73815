import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { CRASH, ERROR, KEPT, PluginBench, WAYS } from './plugin-bench.ts';

/** Everything that can happen to one plugin, and when it can. Faults are what `healthy` leaves out. */
interface Move {
  readonly name: string;
  readonly can: (bench: PluginBench) => boolean;
  readonly make: (bench: PluginBench) => unknown;
}

const started = (b: PluginBench): boolean => b.context.current !== undefined;
const starting = (b: PluginBench): boolean => b.replacement === 'starting';
const leaving = (b: PluginBench): number | undefined =>
  b.context.workers.find(({ generation }) => generation !== b.context.current && generation !== b.context.replacement)
    ?.generation;

const MOVES: readonly Move[] = [
  { name: 'call', can: (b) => b.gate.waiting + b.gate.leases < 1, make: (b) => b.call() },
  { name: 'leave', can: (b) => b.gate.waiting > 0, make: (b) => b.leave() },
  { name: 'answer', can: (b) => b.gate.leases > 0, make: (b) => b.answer() },
  { name: 'load', can: () => true, make: (b) => b.send({ type: 'LOAD' }) },
  { name: 'unload', can: () => true, make: (b) => b.send({ type: 'UNLOAD', error: ERROR }) },
  { name: 'replace', can: () => true, make: (b) => b.send({ type: 'REPLACE' }) },
  { name: 'release', can: started, make: (b) => b.send({ type: 'RELEASE' }) },
  { name: 'yield', can: started, make: (b) => b.send({ type: 'YIELD' }) },
  { name: 'remove', can: () => true, make: (b) => b.send({ type: 'REMOVE', error: ERROR }) },
  { name: 'grant', can: (b) => b.asked !== undefined, make: (b) => b.granted(b.asked) },
  { name: 'refuse', can: (b) => b.asked !== undefined, make: (b) => b.refused(b.asked) },
  { name: 'install', can: (b) => b.at === 'spawning.launching', make: (b) => b.installing(b.context.current) },
  { name: 'installed', can: (b) => b.at === 'spawning.installing', make: (b) => b.installed(b.context.current) },
  { name: 'connect', can: (b) => b.at === 'spawning.launching', make: (b) => b.connected() },
  { name: 'ready', can: (b) => b.at === 'spawning.initializing', make: (b) => b.ready(b.context.current) },
  { name: 'replacement ready', can: starting, make: (b) => b.ready(b.context.replacement) },
  { name: 'replacement fails', can: starting, make: (b) => b.failed(b.context.replacement) },
  { name: 'oversized', can: started, make: (b) => b.oversized(b.context.current) },
  { name: 'exit', can: started, make: (b) => b.exited(b.context.current) },
  { name: 'killed', can: (b) => b.at === 'spawning.launching', make: (b) => b.killed(b.context.current) },
  { name: 'gone', can: (b) => leaving(b) !== undefined, make: (b) => b.gone(leaving(b)) },
  { name: 'answered', can: (b) => b.answerable, make: (b) => b.settle(KEPT) },
  { name: 'not answered', can: (b) => b.answerable, make: (b) => b.settle(CRASH) },
  { name: 'restart', can: (b) => b.at === 'crashed.deciding', make: (b) => b.send({ type: 'RESTART', delayMs: 9 }) },
  { name: 'stopped', can: (b) => b.at === 'crashed.deciding', make: (b) => b.send({ type: 'STOPPED' }) },
  {
    name: 'give up',
    can: (b) => b.at === 'crashed.deciding',
    make: (b) => b.send({ type: 'GIVE_UP', error: ERROR }),
  },
  { name: 'time', can: (b) => b.clock.next !== undefined, make: (b) => b.clock.pass(b.clock.next ?? 0) },
];

/** What matters for what can come next. */
function summary(bench: PluginBench): string {
  if (bench.at === 'removed') return 'removed';
  const { context, gate } = bench;
  const { generation, current, replacement, workers, keepLoaded, intent, replaceAgain, everReady, oversized } = context;
  const { killedStarts } = context;
  // Numbers grow without end; what matters is which is newer.
  const numbers = [generation, current, replacement, bench.asked, ...workers.map((slot) => slot.generation)];
  const ranks = [...new Set(numbers)].toSorted((a = 0, b = 0) => b - a);
  const age = (number: number | undefined): number => ranks.indexOf(number);
  return JSON.stringify([
    bench.actor.getSnapshot().value,
    [age(current), age(replacement), age(bench.asked)],
    workers.map((slot) => [age(slot.generation), slot.residency?.leases.size]),
    [keepLoaded, intent, replaceAgain, everReady, killedStarts],
    [oversized.generation === current, oversized.replaced],
    [gate.waiting, gate.leases, gate.serving.length === 0],
  ]);
}

interface Place {
  readonly at: string;
  readonly replacement: string;
  readonly path: readonly Move[];
  readonly moves: readonly Move[];
  readonly next: Map<string, string>;
}

/** A plugin to which these things have happened: the gate changes in place, so a state cannot be branched. */
async function replay(path: readonly Move[]): Promise<PluginBench> {
  const bench = new PluginBench({ restart: { intensity: 1 } });
  for (const move of path) await move.make(bench);
  await turn();
  if (bench.actor.getSnapshot().status === 'error') throw bench.actor.getSnapshot().error;
  return bench;
}

async function walk(): Promise<Map<string, Place>> {
  const places = new Map<string, Place>();
  const open: Place[] = [];
  const visit = async (path: readonly Move[]): Promise<string> => {
    const bench = await replay(path);
    const key = summary(bench);
    if (!places.has(key)) {
      const moves = bench.at === 'removed' ? [] : MOVES.filter((move) => move.can(bench));
      const place = { at: bench.at, replacement: bench.replacement, path, moves, next: new Map<string, string>() };
      places.set(key, place);
      open.push(place);
    }
    bench.stop();
    return key;
  };
  await visit([]);
  for (const { path, moves, next } of open) {
    for (const move of moves) next.set(move.name, await visit([...path, move]));
  }
  return places;
}

/** The places from which one of the goals can be reached. */
function leadingTo(places: Map<string, Place>, isGoal: (place: Place) => boolean): Set<string> {
  const before = new Map<string, string[]>();
  for (const [from, { next }] of places) {
    for (const to of next.values()) before.set(to, [...(before.get(to) ?? []), from]);
  }
  const found = new Set([...places].filter(([, place]) => isGoal(place)).map(([key]) => key));
  for (const key of found) for (const from of before.get(key) ?? []) found.add(from);
  return found;
}

test('every state of a plugin can be reached and left, and none is a dead end', { timeout: 120_000 }, async () => {
  const places = await walk();
  const all = [...places.values()];
  expect(new Set(all.map(({ at }) => at))).toEqual(new Set([...Object.keys(WAYS), 'removed']));
  expect(new Set(all.map(({ replacement }) => replacement))).toEqual(
    new Set(['none', 'backoff', 'asking', 'starting', 'swapping', 'removed']),
  );
  const removed = leadingTo(places, ({ at }) => at === 'removed');
  const ready = leadingTo(places, ({ at }) => at === 'ready.ready');
  for (const [key, place] of places) {
    const path = place.path.map(({ name }) => name).join(', ');
    if (!removed.has(key)) throw new Error(`${place.at} cannot be removed, after ${path}`);
    // What is being removed is the one thing that does not come back.
    const isLeaving = place.at === 'removed' || key.includes('"remove"');
    if (!ready.has(key) && !isLeaving) throw new Error(`${place.at} never gets ready again, after ${path}`);
    if (place.at !== 'removed' && ![...place.next.values()].some((to) => to !== key))
      throw new Error(`${place.at} cannot be left, after ${path}`);
  }
});
