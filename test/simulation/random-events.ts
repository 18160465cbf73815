import type { PluginRecord } from '../../src/runtime/plugin-record.ts';
import { GOOD, type Way } from './fake-workers.ts';
import { choose, ERROR, INSTANCES, pick, type World } from './world.ts';

/** What an event happens to, and a number that decides what else there is to decide. */
interface Circumstances {
  readonly world: World;
  readonly name: string;
  readonly record: PluginRecord | undefined;
  readonly more: number;
}

/** Every event there is, each with how often it comes. */
const EVENTS: readonly (readonly [weight: number, title: string, (on: Circumstances) => void | Promise<void>])[] = [
  [14, 'call', ({ world, record, more }) => record && world.call(record, more)],
  [1, 'burst', ({ world, record, more }) => record && world.burst(record, more)],
  [5, 'cancel', ({ world, more }) => world.cancel(more)],
  [3, 'load', ({ world, name }) => void world.operate(() => world.supervisor.load(name))],
  [
    2,
    'configure',
    ({ world, name, more }) => void world.operate(() => world.supervisor.load(name, { config: { n: more % 3 } })),
  ],
  [3, 'unload', ({ world, name }) => void world.operate(() => world.supervisor.unload(name))],
  [3, 'reload', ({ world, name }) => void world.operate(() => world.supervisor.reload(name))],
  [3, 'release', ({ world, name }) => void world.operate(() => world.supervisor.release(name))],
  [2, 'RELEASE', ({ record, more }) => record?.send({ type: 'RELEASE', ...askedToLeave(record, more) })],
  [1, 'YIELD', ({ record, more }) => record?.send({ type: 'YIELD', ...askedToLeave(record, more) })],
  [1, 'disable', ({ world, record, name }) => record && world.supervisor.disable(name)],
  [2, 'enable', ({ world, record, name }) => record && world.supervisor.enable(name)],
  [6, 'stale', ({ world, record, more }) => record && world.stale(record, more)],
  // Of the workers.
  [10, 'answer', ({ world, name, more }) => pick(world.workers.living(name), more)?.answer()],
  [2, 'fail', ({ world, name, more }) => pick(world.workers.living(name), more)?.answer(ERROR)],
  [5, 'proceed', ({ world, name }) => world.workers.living(name).forEach((worker) => worker.proceed())],
  [1, 'refuse', ({ world, name }) => world.workers.living(name).forEach((worker) => worker.fail(ERROR))],
  [3, 'bury', ({ world, name }) => world.workers.living(name).forEach((worker) => worker.bury())],
  [
    2,
    'exit',
    ({ world, name, more }) => pick(world.workers.living(name), more)?.exit({ code: choose(more, 0, 1, 1, 125) }),
  ],
  [
    1,
    'segfault',
    ({ world, name, more }) => pick(world.workers.living(name), more)?.exit({ code: null, signal: 'SIGSEGV' }),
  ],
  [
    1,
    'out of memory',
    ({ world, name, more }) => pick(world.workers.living(name), more)?.exit({ signal: 'SIGKILL', outOfMemory: true }),
  ],
  [1, 'grows', ({ world, name }) => world.workers.living(name).forEach((worker) => worker.grow())],
  [1, 'hangs', ({ world, name }) => world.workers.living(name).forEach((worker) => worker.hang())],
  [
    1,
    'spawns',
    ({ world, name, more }) =>
      world.behave(name, { spawn: choose<Way>(more, 'prompt', more % 3_000, 'late', 'refused') }),
  ],
  [
    1,
    'connects',
    ({ world, name, more }) =>
      world.behave(name, { connect: choose<Way>(more, 'prompt', more % 3_000, 'late', 'refused') }),
  ],
  [
    1,
    'initializes',
    ({ world, name, more }) =>
      world.behave(name, { initialize: choose<Way>(more, 'prompt', more % 3_000, 'late', 'refused') }),
  ],
  [
    1,
    'releases',
    ({ world, name, more }) =>
      world.behave(name, {
        release: choose<Way | 'nothing'>(more, 'prompt', more % 3_000, 'late', 'refused', 'nothing'),
      }),
  ],
  [
    1,
    'cleans',
    ({ world, name, more }) =>
      world.behave(name, { cleanup: choose<Way>(more, 'prompt', more % 3_000, 'late', 'refused') }),
  ],
  [
    1,
    'health',
    ({ world, name, more }) =>
      world.behave(name, { health: choose<Way>(more, 'prompt', more % 3_000, 'late', 'refused') }),
  ],
  [1, 'heeds', ({ world, name, more }) => world.behave(name, { heedsTerm: more % 2 === 0, heedsCancel: more % 3 > 0 })],
  [1, 'burial', ({ world, name, more }) => world.behave(name, { buried: more % 2 === 0 })],
  [4, 'good', ({ world, name }) => world.behave(name, GOOD)],
  // Of the manifests.
  [1, 'describe', ({ world, name, more }) => world.change(name, { description: `${more}` })],
  [
    1,
    'default',
    ({ world, name, more }) => world.change(name, { config_schema: { properties: { n: { default: more % 3 } } } }),
  ],
  [1, 'env', ({ world, name, more }) => world.change(name, { env_vars: { N: more } })],
  [1, 'policy', ({ world, name, more }) => world.change(name, { stop_timeout_ms: 100 + (more % 1_000) })],
  [1, 'resources', ({ world, name, more }) => world.change(name, { resources: { min_gpu_vram_mb: more % 100 } })],
  [1, 'command', ({ world, name, more }) => world.change(name, { command: more % 2 === 0 ? '' : `program-${more}` })],
  [2, 'instances', ({ world, name, more }) => world.change(name, { instances: pick(INSTANCES, more) })],
  [1, 'remove', ({ world, name, more }) => world.change(name, more % 3 === 0 ? undefined : {})],
  // Of time.
  [6, 'soon', ({ world, more }) => world.clock.advance(more % 50)],
  [4, 'later', ({ world, more }) => world.clock.advance(more % 3_000)],
  [1, 'long', ({ world, more }) => world.clock.advance(more % 20_000)],
  [1, 'unheard', ({ world, more }) => world.clock.pass(more % 40_000)],
  [1, 'asleep', ({ world, more }) => world.clock.hold(more % 40_000)],
  // The time of day, by up to three days, ahead or back.
  [1, 'clock set', ({ world, more }) => world.clock.set((more % 518_400_000) - 259_200_000)],
];

/** Of which worker it is asked, and for what: as the scheduler names it, or of any. */
const askedToLeave = ({ context }: PluginRecord, n: number): { generation?: number | undefined; further: boolean } => ({
  generation: n % 3 === 0 ? undefined : pick(context.workers, n)?.generation,
  further: n % 5 === 0,
});

const WEIGHTED = EVENTS.flatMap(([weight, title, happen]) => Array.from({ length: weight }, () => ({ title, happen })));

/**
 * Has an event happen to a plugin, and throws if an invariant does not hold. Everything about the event follows from the
 * number.
 */
export async function causeEvent(world: World, name: string, n: number): Promise<void> {
  const { title, happen } = WEIGHTED[n % WEIGHTED.length] as (typeof WEIGHTED)[number];
  const more = Math.floor(n / WEIGHTED.length);
  world.note(`${title} ${name} ${more}`, name);
  await happen({ world, name, record: world.runtime.records.get(name), more });
  world.check();
  // Now and then everything comes to rest, and now and then the next event comes in between.
  if (more % 2 === 0) await world.rest();
}
