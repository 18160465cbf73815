// @ts-check
// Real workers under everything that can happen to them at once. What is done is drawn from a seed; what must hold is
// that every call ends once, with its own result or a typed error, and that nothing is left.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createSupervisor, GreenroomError } from '../../dist/index.js';
import { randomFrom } from '../simulation/random.mjs';

const DAY_MS = 86_400_000;

const FIXTURE = fileURLToPath(new URL('../fixtures/plugins/chaotic/', import.meta.url));

/** What may go wrong for a call that is none of its own doing. */
const FAIR = new Set([
  'E_START',
  'E_START_TIMEOUT',
  'E_CRASHED',
  'E_HUNG',
  'E_STOPPING',
  'E_DISABLED',
  'E_GIVEN_UP',
  'E_CANCELLED',
  'E_QUEUE_FULL',
]);

/** How many calls one instance of a pool takes at once. */
const POOL_CONCURRENCY = 2;

/**
 * Plugins of several instances that lose no call but those at an instance that is killed. They are spared what ends calls
 * by its nature: that they are unloaded, disabled, stopped for a while, or may not take their time.
 */
const POOLS = {
  'pool-of-4': { module: join(FIXTURE, 'chaotic.py'), worker: 'python', class: 'Chaotic', instances: 4 },
  'pool-by-load': {
    module: join(FIXTURE, 'chaotic.mjs'),
    worker: 'node',
    instances: { min: 1, max: 4, idle_ms: 400, grow_after_ms: 10 },
  },
};

/**
 * @typedef {{
 *   seed: number, seconds: number, plugins: number,
 *   onPause?: (world: World) => void | Promise<void>, pauseEverySeconds?: number,
 * }} ChaosOptions
 * @typedef {{ calls: number, killed: number, lost: number, started: number, ended: number, most: number }} PoolTally
 * @typedef {{
 *   calls: number, results: number, errors: Record<string, number>, acts: Record<string, number>,
 *   pools: Record<string, PoolTally>,
 * }} Tally
 * @typedef {{ supervisor: import('../../dist/index.js').Supervisor, tally: Tally, folder: string }} World
 */

/**
 * Lets chaos loose for a while and puts everything in order again. Rejects when something did not hold.
 *
 * @param {ChaosOptions} options
 * @returns {Promise<Tally>}
 */
export async function runChaos({ seed, seconds, plugins, onPause, pauseEverySeconds = Infinity }) {
  const random = randomFrom(seed);
  const folder = mkdtempSync(join(tmpdir(), 'gr-'));
  const searchPath = join(folder, 'plugins');
  const runtime = join(folder, 'run');
  for (const path of [searchPath, runtime]) mkdirSync(path);
  const formerRuntime = process.env['XDG_RUNTIME_DIR'];
  process.env['XDG_RUNTIME_DIR'] = runtime;
  const names = Array.from({ length: plugins }, (_, index) => `chaotic-${index}`);
  let edits = 0;
  /** @param {string} name @param {Record<string, unknown>} [extra] */
  const write = (name, extra = {}) => {
    const isNode = names.indexOf(name) % 2 === 0;
    edits += 1;
    const manifest = {
      name,
      version: '1.0.0',
      module: join(FIXTURE, isNode ? 'chaotic.mjs' : 'chaotic.py'),
      ...(isNode ? { worker: 'node' } : { worker: 'python', class: 'Chaotic' }),
      idempotent: names.indexOf(name) % 3 === 0,
      start_timeout_ms: 5_000,
      stop_timeout_ms: 500,
      liveness: { interval_ms: 100, timeout_ms: 2_000 },
      restart: { intensity: 1_000, backoff: { base_ms: 1, cap_ms: 50 } },
      ...extra,
    };
    writeFileSync(join(searchPath, `${name}.json`), JSON.stringify(manifest));
  };
  /** @param {string} name @param {Record<string, unknown>} [extra] */
  const writePool = (name, extra = {}) => {
    const manifest = {
      name,
      version: '1.0.0',
      ...POOLS[/** @type {keyof typeof POOLS} */ (name)],
      max_concurrency: POOL_CONCURRENCY,
      start_timeout_ms: 30_000,
      drain_timeout_ms: 60_000,
      restart: { intensity: 1_000_000, backoff: { base_ms: 1, cap_ms: 50 } },
      ...extra,
    };
    writeFileSync(join(searchPath, `${name}.json`), JSON.stringify(manifest));
  };
  for (const name of names) write(name);
  for (const name of Object.keys(POOLS)) writePool(name);
  const supervisor = await createSupervisor({
    searchPaths: [searchPath],
    dataDir: join(folder, 'data'),
    logLevel: 'silent',
    cancelGraceMs: 1_000,
    drainTimeoutMs: 2_000,
    // Less than all need together, so that one is evicted for another.
    capacity: { slots: plugins + 4 },
  });
  const pools = Object.keys(POOLS).map((name) => new Pool(name, supervisor));
  /** @type {Tally} */
  const tally = {
    calls: 0,
    results: 0,
    errors: {},
    acts: {},
    pools: Object.fromEntries(pools.map(({ name, tally }) => [name, tally])),
  };
  /** @type {Set<Promise<void>>} */
  const open = new Set();
  /** @type {unknown[]} */
  const wrong = [];
  /** The workers there have been, by pid, with when they started: a pid may be given to a stranger later. */
  const workers = new Map();
  /** @param {{ plugin: string }} event */
  const noteWorkers = ({ plugin }) => {
    for (const { pid } of supervisor.plugin(plugin).snapshot().instances) {
      const started = pid === undefined ? undefined : startOf(pid);
      if (started !== undefined) workers.set(pid, started);
    }
  };
  supervisor.on('transition', noteWorkers);
  supervisor.on('instance', noteWorkers);
  const living = () => [...workers].filter(([pid, started]) => startOf(pid) === started).map(([pid]) => pid);

  /** By how much the time of day is set ahead. */
  let ahead = 0;
  const timeOfDay = Date.now;
  Date.now = () => timeOfDay() + ahead;

  const pickPool = () => /** @type {Pool} */ (pools[Math.floor(random() * pools.length)]);
  const pick = () => names[Math.floor(random() * names.length)] ?? '';
  /** @param {Promise<void>} done */
  const watch = async (done) => {
    open.add(done);
    await done;
    open.delete(done);
  };
  /** @param {Promise<unknown>} call @param {unknown} expected */
  const follow = (call, expected) => {
    tally.calls += 1;
    const done = call.then(
      (result) => {
        tally.results += 1;
        if (JSON.stringify(result) !== JSON.stringify(expected)) wrong.push({ result, expected });
      },
      (error) => {
        const code = error instanceof GreenroomError ? error.code : 'untyped';
        tally.errors[code] = (tally.errors[code] ?? 0) + 1;
        if (!FAIR.has(code)) wrong.push(error);
      },
    );
    void watch(done);
  };
  /** A call that may only be lost with its worker. @param {Pool} pool */
  const followPool = (pool) => {
    const value = Math.floor(random() * 1e6);
    tally.calls += 1;
    pool.tally.calls += 1;
    const done = supervisor.execute(pool.name, { value, seconds: random() * 0.04 }).then(
      (result) => {
        tally.results += 1;
        if (/** @type {{ value: number }} */ (result).value !== value) wrong.push({ result, value });
      },
      (error) => {
        const problem = pool.noteError(error);
        if (problem !== undefined) wrong.push(problem);
      },
    );
    void watch(done);
  };
  /** @param {() => Promise<unknown>} act */
  const attempt = (act) => {
    const done = act().then(
      () => {},
      (error) => {
        if (!(error instanceof GreenroomError)) wrong.push(error);
      },
    );
    void watch(done);
  };
  /** @param {NodeJS.Signals} signal */
  const signal = (signal) => {
    const { pid } = supervisor.plugin(pick()).snapshot();
    if (pid === undefined) return undefined;
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended by itself meanwhile.
      return undefined;
    }
    return pid;
  };
  /** @param {number} ms */
  const pause = (ms) => {
    const pid = signal('SIGSTOP');
    if (pid === undefined) return;
    const started = startOf(pid);
    const resumed = delay(ms).then(() => {
      if (started !== undefined && startOf(pid) === started) process.kill(pid, 'SIGCONT');
    });
    void watch(resumed);
  };

  /** @type {[weight: number, name: string, act: () => void][]} */
  const ACTS = [
    [
      60,
      'call',
      () => {
        const value = Math.floor(random() * 1e6);
        follow(supervisor.execute(pick(), { value, seconds: random() * 0.05 }), { value });
      },
    ],
    [
      15,
      'stream',
      () => {
        const count = Math.floor(random() * 200);
        follow(
          readAll(supervisor.stream(pick(), { count })),
          Array.from({ length: count }, (_, index) => index),
        );
      },
    ],
    [
      5,
      'cancel',
      () => {
        const controller = new AbortController();
        follow(supervisor.execute(pick(), { value: 0, seconds: 0.5 }, { signal: controller.signal }), { value: 0 });
        setTimeout(() => controller.abort(), random() * 100);
      },
    ],
    [5, 'crash', () => void signal('SIGKILL')],
    [1, 'hang', () => void signal('SIGSTOP')],
    // Most are shorter than a worker may take to answer, some are longer.
    [2, 'pause', () => pause(random() * (random() < 0.2 ? 4_000 : 1_000))],
    [1, 'clock set', () => (ahead = (random() - 0.5) * 6 * DAY_MS)],
    [0.05, 'held up', () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, random() * 3_000)],
    [3, 'reload', () => attempt(() => supervisor.reload(pick()))],
    [2, 'unload', () => attempt(() => supervisor.unload(pick()))],
    [2, 'release', () => attempt(() => supervisor.release(pick()))],
    [4, 'edit', () => write(pick(), { env_vars: { EDIT: edits } })],
    [1, 'slow start', () => write(pick(), { env_vars: { EDIT: edits, START_SECONDS: '0.3' } })],
    [
      1,
      'disable',
      () => {
        const name = pick();
        attempt(async () => supervisor.disable(name));
        setTimeout(() => attempt(async () => supervisor.enable(name)), random() * 200);
      },
    ],
    [10, 'pool: call', () => followPool(pickPool())],
    [
      4,
      'pool: burst',
      () => {
        const pool = pickPool();
        for (let call = 0; call < 20; call += 1) followPool(pool);
      },
    ],
    [2, 'pool: kill', () => pickPool().kill(random())],
    [1, 'pool: reload', () => attempt(() => supervisor.reload(pickPool().name))],
    [1, 'pool: release', () => attempt(() => supervisor.release(pickPool().name))],
    [1, 'pool: edit', () => writePool(pickPool().name, { env_vars: { EDIT: (edits += 1) } })],
    [1, 'pool: config', () => attempt(() => supervisor.load(pickPool().name, { config: { n: (edits += 1) } }))],
  ];
  const total = ACTS.reduce((sum, [weight]) => sum + weight, 0);

  try {
    const end = performance.now() + seconds * 1_000;
    let nextPause = performance.now() + pauseEverySeconds * 1_000;
    while (performance.now() < end && wrong.length === 0) {
      let at = random() * total;
      const act = ACTS.find(([weight]) => (at -= weight) < 0);
      if (act !== undefined) {
        tally.acts[act[1]] = (tally.acts[act[1]] ?? 0) + 1;
        act[2]();
      }
      // No more than workers can take, so that the queues stay short.
      await (open.size > plugins * 8 ? Promise.race(open) : delay(random() * 4));
      if (performance.now() < nextPause) continue;
      nextPause += pauseEverySeconds * 1_000;
      await settle(open, 'a call has not ended', supervisor);
      await onPause?.({ supervisor, tally, folder });
    }
    await settle(open, 'a call has not ended', supervisor);
    for (const pool of pools) {
      const problem = pool.problem();
      if (problem !== undefined) wrong.push(problem);
    }
    // Every plugin can still serve, whatever has been done to it.
    for (const name of names) supervisor.enable(name);
    await Promise.all(
      names.map(async (name) => {
        await supervisor.load(name);
        await supervisor.execute(name, { value: name });
      }),
    );
    await Promise.all(names.map((name) => supervisor.unload(name)));
    await Promise.all(pools.map((pool) => pool.growAndShrink()));
  } finally {
    await supervisor.stop();
    Date.now = timeOfDay;
    if (formerRuntime === undefined) delete process.env['XDG_RUNTIME_DIR'];
    else process.env['XDG_RUNTIME_DIR'] = formerRuntime;
  }
  for (let round = 0; round < 100 && living().length > 0; round += 1) await delay(10);
  const left = living();
  if (left.length > 0) wrong.push(new Error(`These processes are left: ${left.join(', ')}.`));
  const files = [...readdirSync(runtime), ...readdirSync(join(folder, 'data', 'supervisors'))];
  if (files.length > 0) wrong.push(new Error(`These files are left: ${files.join(', ')}.`));
  rmSync(folder, { recursive: true, force: true });
  if (wrong.length > 0) throw new AggregateError(wrong, `Seed ${seed}: ${wrong.length} things did not hold.`);
  return tally;
}

/** A plugin of several instances, and what is counted of it. */
class Pool {
  name;
  #supervisor;
  /** The generations that serve. @type {Set<number>} */
  #serving = new Set();
  /** @type {PoolTally} */
  tally = { calls: 0, killed: 0, lost: 0, started: 0, ended: 0, most: 0 };

  /** @param {string} name @param {import('../../dist/index.js').Supervisor} supervisor */
  constructor(name, supervisor) {
    this.name = name;
    this.#supervisor = supervisor;
    supervisor.on('instance', ({ plugin, generation, to }) => {
      if (plugin === name) this.#note(generation, to);
    });
  }

  /** @param {number} generation @param {string} to */
  #note(generation, to) {
    if (to === 'ready' || to === 'busy') {
      if (!this.#serving.has(generation)) this.tally.started += 1;
      this.#serving.add(generation);
      this.tally.most = Math.max(this.tally.most, this.#serving.size);
    } else if (this.#serving.delete(generation)) this.tally.ended += 1;
  }

  /** Kills one of the workers that serve. @param {number} which in [0, 1) */
  kill(which) {
    const serving = this.#instances();
    const pid = serving[Math.floor(which * serving.length)]?.pid;
    if (pid === undefined) return;
    try {
      process.kill(pid, 'SIGKILL');
      this.tally.killed += 1;
    } catch {
      // It has ended by itself meanwhile.
    }
  }

  #instances() {
    const { instances } = this.#supervisor.plugin(this.name).snapshot();
    return instances.filter(({ state }) => state === 'ready' || state === 'busy');
  }

  /** Counts a call that was lost with its worker; any other error is returned. @param {unknown} error */
  noteError(error) {
    if (!(error instanceof GreenroomError) || error.code !== 'E_CRASHED') return error;
    this.tally.lost += 1;
    return undefined;
  }

  /** What did not hold. */
  problem() {
    const { killed, lost } = this.tally;
    const most = killed * POOL_CONCURRENCY;
    if (lost <= most) return undefined;
    return new Error(
      `${this.name} has lost ${lost} calls, and no more than ${most} were at the ${killed} killed workers.`,
    );
  }

  /** Has calls for all instances it may have, then waits until there are as few as there should be without calls. */
  async growAndShrink() {
    const { name } = this;
    const isFixed = name === 'pool-of-4';
    this.#supervisor.enable(name);
    await this.#supervisor.load(name);
    await this.#until(4, async () => {
      const calls = Array.from({ length: 40 }, (_, value) => this.#supervisor.execute(name, { value, seconds: 0.02 }));
      await Promise.all(calls);
    });
    await this.#until(isFixed ? 4 : 1, () => delay(50));
  }

  /** @param {number} count @param {() => Promise<void>} meanwhile */
  async #until(count, meanwhile) {
    const end = performance.now() + 30_000;
    while (this.#instances().length !== count) {
      if (performance.now() > end) {
        const { instances } = this.#supervisor.plugin(this.name).snapshot();
        throw new Error(`After 30 s ${this.name} has not ${count} instances: ${JSON.stringify(instances)}`);
      }
      await meanwhile();
    }
  }
}

/** @param {Set<Promise<void>>} open @param {string} complaint @param {import('../../dist/index.js').Supervisor} supervisor */
async function settle(open, complaint, supervisor) {
  const late = new AbortController();
  await Promise.race([
    Promise.all(open),
    delay(30_000, undefined, { signal: late.signal }).then(() => {
      const stuck = supervisor.plugins().filter(({ waiting, inFlight }) => waiting + inFlight > 0);
      throw new Error(`After 30 s ${complaint}: ${open.size} are open. ${JSON.stringify(stuck)}`);
    }),
  ]);
  late.abort();
}

/** @param {AsyncIterable<unknown>} stream */
async function readAll(stream) {
  const items = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** When the process of this pid started, in clock ticks since boot; undefined where there is none that lives. @param {number} pid */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return 'ZX'.includes(fields[0] ?? 'X') ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
