import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { HeldWorker } from '../../src/machines/plugin/context.ts';
import { outdatedInstance } from '../../src/machines/plugin/siblings.ts';
import { InstancesBench, sorted } from './instances-bench.ts';
import { CRASH, ERROR, entryOf, KEPT, settingsOf } from './plugin-bench.ts';

/** Something that can happen to a plugin of two instances, and when it can. */
interface Move {
  readonly name: string;
  readonly can: (bench: InstancesBench) => boolean;
  readonly make: (bench: InstancesBench) => unknown;
}

/** The generation that the scheduler has not answered about. */
const asked = (b: InstancesBench): number | undefined => b.asked ?? b.context.asked;
const current = (b: InstancesBench): number | undefined => b.context.current;
const sibling = (b: InstancesBench): number | undefined => b.context.siblings[0];
const starting = (b: InstancesBench): number | undefined =>
  b.context.workers.find(({ generation, residency }) => residency === undefined && isInstance(b, generation))
    ?.generation;
const serving = (b: InstancesBench): number | undefined => b.gate.serving.at(-1)?.generation;
const leaving = (b: InstancesBench): number | undefined =>
  b.context.workers.find(({ generation }) => !isInstance(b, generation))?.generation;
const isInstance = ({ context }: InstancesBench, generation: number): boolean =>
  [context.current, context.replacement, ...context.siblings].includes(generation);

/** The loss that the supervisor has not answered; `last` where it was the plugin's last instance. */
function loss(b: InstancesBench): string | undefined {
  const at = b.told.findLastIndex((what) => what.startsWith('PLUGIN.CRASHED'));
  return at < 0 || b.told.slice(at).includes('answered') ? undefined : b.told[at];
}

/** The supervisor answers. */
function decide(
  b: InstancesBench,
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
  { name: 'hang', can: (b) => serving(b) !== undefined, make: (b) => b.hung(serving(b)) },
  {
    name: 'stuck',
    can: (b) => b.gate.leases > 0,
    make: (b) => b.send({ type: 'STUCK', generation: b.running[0] as number }),
  },
  {
    name: 'unreachable',
    can: (b) => current(b) !== undefined && b.gate.serving.length > 0,
    make: (b) => b.send({ type: 'UNREACHABLE', generation: current(b) as number, error: CRASH }),
  },
  { name: 'configure', can: () => true, make: (b) => b.send({ type: 'CONFIGURED', config: {} }) },
  {
    name: 'unfit',
    can: (b) => sibling(b) !== undefined && b.gate.serving.length > 1,
    make: (b) => b.send({ type: 'INSTANCE.UNFIT', generation: sibling(b) as number }),
  },
  { name: 'load', can: () => true, make: (b) => b.send({ type: 'LOAD' }) },
  { name: 'disable', can: (b) => b.context.enabled, make: (b) => b.send({ type: 'DISABLE', error: ERROR }) },
  { name: 'enable', can: (b) => !b.context.enabled, make: (b) => b.send({ type: 'ENABLE' }) },
  { name: 'allow one', can: (b) => b.context.settings.instances.max > 1, make: (b) => change(b, 1) },
  { name: 'answered', can: (b) => b.answerable, make: (b) => b.settle(KEPT) },
  { name: 'not answered', can: (b) => b.answerable, make: (b) => b.settle(CRASH) },
  { name: 'time', can: () => true, make: (b) => b.passToNext() },
];

/** A manifest that differs in nothing but the number of instances. */
function change(b: InstancesBench, instances: unknown): void {
  const entry = entryOf({ instances, restart: { intensity: 1 } });
  b.send({ type: 'MANIFEST.CHANGED', entry, settings: settingsOf(entry), effect: 'none' });
}

function grant(b: InstancesBench): void {
  const generation = asked(b);
  b.told.push(`granted ${generation}`);
  b.granted(generation);
}

/** What matters for what can come next. */
function summary(b: InstancesBench): string {
  if (b.at === 'removed') return 'removed';
  const { context, gate } = b;
  const { generation, replacement, workers, intent, replaceAgain, growth, losses, outdated } = context;
  const { enabled, keepLoaded, settings } = context;
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
    [enabled, keepLoaded, settings.instances.max],
    [gate.waiting, gate.waitsLong, gate.leases, gate.serving.map((residency) => age(residency.generation))],
  ]);
}

/** Throws if something does not hold where the plugin is. */
function check(b: InstancesBench): void {
  const { context, gate, told, at } = b;
  const has = (what: string, { generation }: HeldWorker): boolean => told.includes(`worker ${generation} ${what}`);
  const staying = context.workers.filter(
    (worker) =>
      isInstance(b, worker.generation) && worker.leaving === undefined && worker.generation !== context.replacement,
  );
  if (staying.length > context.settings.instances.max) throw new Error(`${staying.length} instances`);
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

const move = (name: string): Move => MOVES.find((each) => each.name === name) as Move;

/** What a healthy world does, what is most urgent first. */
const HEALTHY = ['grant', 'start', 'gone', 'not answered', 'answer', 'restart', 'time'];

/** Whether it has come to where a plugin is that is loaded and not called. */
function isAtRest(b: InstancesBench): boolean {
  const { context, gate, at } = b;
  const count = 1 + context.siblings.length;
  return (
    at === 'ready.ready' &&
    b.replacement === 'none' &&
    gate.waiting + gate.leases === 0 &&
    asked(b) === undefined &&
    context.workers.length === count &&
    count === context.settings.instances.min &&
    outdatedInstance(context) === undefined
  );
}

/** How many things a healthy world may do until it is at rest. */
const PATIENCE = 120;

/** Only good things happen from here on, until this is so; now and then the plugin is loaded, where that may help. */
async function until(isSo: (b: InstancesBench) => boolean, b: InstancesBench, mayLoad: boolean): Promise<void> {
  const moves = HEALTHY.map(move);
  for (let n = 0; !isSo(b); n += 1) {
    if (n > PATIENCE) throw new Error(`it stays in ${b.at}, as ${summary(b)}`);
    if (mayLoad && n % 20 === 0) {
      b.send({ type: 'ENABLE' });
      b.send({ type: 'LOAD' });
    } else {
      await moves.find(({ can }) => can(b))?.make(b);
    }
    await turn();
    check(b);
  }
}

interface Place {
  readonly at: string;
  readonly path: readonly Move[];
  readonly moves: readonly Move[];
}

type Instances = ConstructorParameters<typeof InstancesBench>[0];

/** A plugin to which these things have happened: the gate changes in place, so a state cannot be branched. */
async function replay(instances: Instances, path: readonly Move[]): Promise<InstancesBench> {
  const bench = new InstancesBench(instances, { restart: { intensity: 1 } });
  for (const { make } of path) {
    await make(bench);
    // An open gate tells of its last lease at the end of the turn.
    await turn();
  }
  if (bench.actor.getSnapshot().status === 'error') throw bench.actor.getSnapshot().error;
  return bench;
}

/** From here the plugin comes to rest, and can be removed. */
async function checkWaysOut(instances: Instances, path: readonly Move[]): Promise<void> {
  const resting = await replay(instances, path);
  await until((b) => isAtRest(b) || b.at === 'removed', resting, true);
  if (resting.at === 'removed' && !path.some(({ name }) => name === 'remove')) throw new Error('it is removed');
  resting.stop();
  const leaving = await replay(instances, path);
  leaving.send({ type: 'REMOVE', error: ERROR });
  await until((b) => b.at === 'removed', leaving, false);
  leaving.stop();
}

async function walk(instances: Instances, begin: readonly Move[], most: number): Promise<Map<string, Place>> {
  const places = new Map<string, Place>();
  const open: Place[] = [];
  const visit = async (path: readonly Move[]): Promise<void> => {
    const bench = await replay(instances, path);
    try {
      check(bench);
      const key = summary(bench);
      if (!places.has(key)) {
        const { at } = bench;
        const isFar = at === 'removed' || path.length - begin.length >= most;
        const place = { at, path, moves: isFar ? [] : MOVES.filter(({ can }) => can(bench)) };
        places.set(key, place);
        open.push(place);
        if (at !== 'removed') await checkWaysOut(instances, path);
      }
    } catch (error) {
      throw new Error(`${String(error)}, after ${path.map(({ name }) => name).join(', ')}`, { cause: error });
    }
    bench.stop();
  };
  await visit(begin);
  for (const { path, moves } of open) for (const next of moves) await visit([...path, next]);
  return places;
}

const FIRST = ['call', 'grant', 'start'];

// So many things happen after the beginning, one after the other: with each more there are three times as many places.
test.each([
  {
    title: 'two instances, which is not loaded',
    instances: 2,
    begin: [],
    steps: 5,
    reached: ['busy.serving', 'removed'],
  },
  {
    title: 'two instances, which both serve',
    instances: 2,
    begin: [...FIRST, 'grant', 'start'],
    steps: 3,
    reached: ['discovered.stopping', 'spawning.initializing', 'released.releasing', 'crashed.failed'],
  },
  {
    title: 'one or two instances, of which the second is asked for',
    instances: { min: 1, max: 2, grow_after_ms: 10, idle_ms: 500 },
    begin: [...FIRST, 'call', 'time', 'time', 'time'],
    steps: 4,
    reached: ['ready.ready', 'busy.draining', 'spawning.initializing', 'crashed.failed', 'removed'],
  },
])(
  'whatever happens to a plugin of $title, what must hold holds, and it comes to rest or can be removed',
  {
    timeout: 240_000,
  },
  async ({ instances, begin, steps, reached }) => {
    const places = await walk(instances, begin.map(move), steps);
    const seen = new Set([...places.values()].map(({ at }) => at));
    expect([...seen]).toEqual(expect.arrayContaining(reached));
  },
);
