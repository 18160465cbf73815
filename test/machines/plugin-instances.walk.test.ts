import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { HeldWorker } from '../../src/machines/plugin/context.ts';
import { sorted } from './instances-bench.ts';
import { ERROR, PluginBench } from './plugin-bench.ts';

/** Something that can happen to a plugin of two instances, and when it can. */
interface Move {
  readonly name: string;
  readonly can: (bench: PluginBench) => boolean;
  readonly make: (bench: PluginBench) => unknown;
}

/** The generation that the scheduler has not answered about. */
const asked = (b: PluginBench): number | undefined => b.asked ?? b.context.asked;
const current = (b: PluginBench): number | undefined => b.context.current;
const sibling = (b: PluginBench): number | undefined => b.context.siblings[0];
const starting = (b: PluginBench): number | undefined =>
  b.context.workers.find(({ generation, residency }) => residency === undefined && isInstance(b, generation))
    ?.generation;
const serving = (b: PluginBench): number | undefined => b.gate.serving.at(-1)?.generation;
const leaving = (b: PluginBench): number | undefined =>
  b.context.workers.find(({ generation }) => !isInstance(b, generation))?.generation;
const isInstance = ({ context }: PluginBench, generation: number): boolean =>
  [context.current, context.replacement, ...context.siblings].includes(generation);

/** The loss that the supervisor has not answered; `last` where it was the plugin's last instance. */
function loss(b: PluginBench): string | undefined {
  const at = b.told.findLastIndex((what) => what.startsWith('PLUGIN.CRASHED'));
  return at < 0 || b.told.slice(at).includes('answered') ? undefined : b.told[at];
}

/** The supervisor answers. */
function decide(
  b: PluginBench,
  verdict: { type: 'RESTART'; delayMs: number } | { type: 'GIVE_UP'; error: typeof ERROR },
) {
  const [, generation] = (loss(b) ?? '').split(' ');
  b.told.push('answered');
  b.send({ ...verdict, generation: generation === undefined ? undefined : Number(generation) });
}

const MOVES: readonly Move[] = [
  { name: 'call', can: (b) => b.gate.waiting + b.gate.leases < 2, make: (b) => b.call() },
  { name: 'answer', can: (b) => b.gate.leases > 0, make: (b) => b.answer() },
  { name: 'grant', can: (b) => asked(b) !== undefined, make: (b) => grant(b) },
  { name: 'refuse', can: (b) => asked(b) !== undefined, make: (b) => b.refused(asked(b)) },
  {
    name: 'start',

    can: (b) => starting(b) !== undefined,
    make: (b) => {
      const generation = starting(b);
      b.connected(generation);
      b.ready(generation);
    },
  },
  { name: 'fail', can: (b) => starting(b) !== undefined, make: (b) => b.failed(starting(b)) },
  { name: 'exit', can: (b) => serving(b) !== undefined, make: (b) => b.exited(serving(b)) },
  {
    name: 'current exits',
    can: (b) => current(b) !== serving(b) && current(b) !== undefined,
    make: (b) => b.exited(current(b)),
  },
  { name: 'gone', can: (b) => leaving(b) !== undefined, make: (b) => b.gone(leaving(b)) },
  {
    name: 'release current',
    can: (b) => current(b) !== undefined && sibling(b) !== undefined,
    make: (b) => b.send({ type: 'RELEASE', generation: current(b) }),
  },
  {
    name: 'yield sibling',
    can: (b) => sibling(b) !== undefined,
    make: (b) => b.send({ type: 'YIELD', generation: sibling(b), further: true }),
  },
  {
    name: 'yield current',
    can: (b) => current(b) !== undefined,
    make: (b) => b.send({ type: 'YIELD', generation: current(b), further: true }),
  },
  { name: 'replace', can: () => true, make: (b) => b.send({ type: 'REPLACE' }) },
  { name: 'unload', can: () => true, make: (b) => b.send({ type: 'UNLOAD', error: ERROR }) },
  { name: 'remove', can: () => true, make: (b) => b.send({ type: 'REMOVE', error: ERROR }) },
  {
    name: 'restart',

    can: (b) => loss(b) !== undefined,
    make: (b) => decide(b, { type: 'RESTART', delayMs: 9 }),
  },
  { name: 'give up', can: (b) => loss(b) !== undefined, make: (b) => decide(b, { type: 'GIVE_UP', error: ERROR }) },
  { name: 'time', can: (b) => b.clock.next !== undefined, make: (b) => b.clock.pass(b.clock.next ?? 0) },
];

function grant(b: PluginBench): void {
  const generation = asked(b);
  b.told.push(`granted ${generation}`);
  b.granted(generation);
}

/** What matters for what can come next. */
function summary(b: PluginBench): string {
  if (b.at === 'removed') return 'removed';
  const { context, gate } = b;
  const { generation, replacement, workers, intent, replaceAgain, growth, losses, outdated } = context;
  const numbers = [generation, context.current, replacement, asked(b), ...workers.map((worker) => worker.generation)];
  const ranks = [...new Set(numbers)].toSorted((one = 0, other = 0) => other - one);
  const age = (number: number | undefined): number => ranks.indexOf(number);
  const { alive } = b.actor.getSnapshot().value as { alive: { lifecycle: unknown; replacement: string } };
  return JSON.stringify([
    [alive.lifecycle, alive.replacement],
    [age(context.current), age(replacement), age(asked(b)), context.siblings.map(age)],
    workers.map((worker) => [age(worker.generation), worker.residency?.leases.size, worker.leaving]),
    [
      intent,
      replaceAgain,
      growth,
      losses,
      loss(b)?.includes(' '),
      workers.map((worker) => worker.generation <= outdated),
    ],
    [gate.waiting, gate.leases, gate.serving.map((residency) => age(residency.generation))],
  ]);
}

/** Throws if something does not hold where the plugin is. */
function check(b: PluginBench): void {
  const { context, gate, told, at } = b;
  const has = (what: string, { generation }: HeldWorker): boolean => told.includes(`worker ${generation} ${what}`);
  const staying = context.workers.filter(
    (worker) =>
      isInstance(b, worker.generation) && worker.leaving === undefined && worker.generation !== context.replacement,
  );
  if (staying.length > 2) throw new Error(`${staying.length} instances`);
  for (const worker of context.workers) {
    const isTold = has('STOP', worker) || has('KILL', worker);
    if (isTold && (worker.residency?.leases.size ?? 0) > 0)
      throw new Error(`worker ${worker.generation} is ended with a call`);
    if (
      isTold &&
      worker.residency !== undefined &&
      gate.serving.includes(worker.residency) &&
      at.startsWith('busy.serving')
    )
      throw new Error(`worker ${worker.generation} is ended and gets calls`);
  }
  if (at === 'ready.ready' || at === 'busy.serving') {
    const ready = staying.filter(({ residency }) => residency !== undefined).map((worker) => worker.generation);
    expect(sorted(gate.serving.map(({ generation }) => generation))).toEqual(sorted(ready));
    if (gate.leases > 0 !== (at === 'busy.serving')) throw new Error(`${gate.leases} calls run and it is ${at}`);
    if (gate.waiting > 0 && gate.serving.some(({ leases }) => leases.size === 0))
      throw new Error('a call waits beside an idle one');
  }
  for (const what of told.filter((each) => each.startsWith('granted'))) {
    const generation = Number(what.slice('granted '.length));
    const isHeld = context.workers.some((worker) => worker.generation === generation);
    if (!isHeld && !told.includes(`FREED ${generation}`) && !told.includes(`RETURNED ${generation}`))
      throw new Error(`the memory of ${generation} is lost`);
  }
  const fates = new Set(b.callers.map(({ fate }) => fate));
  const ends = ['waiting', 'running', 'answered', 'lost E_CRASHED', 'lost E_STOPPING'];
  const other = [...fates].find((fate) => !ends.includes(fate) && !fate.startsWith('refused'));
  if (other !== undefined) throw new Error(`a call is ${other}`);
}

interface Place {
  readonly at: string;
  readonly path: readonly Move[];
  readonly moves: readonly Move[];
  readonly next: Map<Move, string>;
}

/** A plugin to which these things have happened: the gate changes in place, so a state cannot be branched. */
async function replay(path: readonly Move[]): Promise<PluginBench> {
  const bench = new PluginBench({ instances: 2, restart: { intensity: 1 } });
  for (const move of path) {
    await move.make(bench);
    // An open gate tells of its last lease at the end of the turn.
    await turn();
  }
  if (bench.actor.getSnapshot().status === 'error') throw bench.actor.getSnapshot().error;
  return bench;
}

async function walk(most: number): Promise<Map<string, Place>> {
  const places = new Map<string, Place>();
  const open: Place[] = [];
  const visit = async (path: readonly Move[]): Promise<string> => {
    const bench = await replay(path);
    try {
      check(bench);
    } catch (error) {
      throw new Error(`${String(error)}, after ${path.map(({ name }) => name).join(', ')}`, { cause: error });
    }
    const key = summary(bench);
    if (!places.has(key)) {
      const { at } = bench;
      const moves = at === 'removed' || path.length >= most ? [] : MOVES.filter((move) => move.can(bench));
      const place = {
        at,
        path,
        moves,
        next: new Map<Move, string>(),
      };
      places.set(key, place);
      open.push(place);
    }
    bench.stop();
    return key;
  };
  await visit([]);
  for (const { path, moves, next } of open) for (const move of moves) next.set(move, await visit([...path, move]));
  return places;
}

/** How many things happen, one after the other: with each more there are two to three times as many places. */
const STEPS = 6;

test(`whatever ${STEPS} things happen to a plugin of two instances, what must hold holds`, {
  timeout: 240_000,
}, async () => {
  const places = await walk(STEPS);
  const seen = new Set([...places.values()].map(({ at }) => at));
  expect([...seen]).toEqual(expect.arrayContaining(['ready.ready', 'busy.serving', 'crashed.deciding', 'removed']));
});
