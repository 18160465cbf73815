// @ts-check
// node test/faults/run.mjs [--seed N] [--runs N]: uses a supervisor while the system calls under it fail at random.
// Every run is one thing that a program asks of it. What must hold: this process lives, every run ends with its own
// result or a typed error, a shortage makes no plugin be given up or forgotten, and when the system is well again every
// plugin serves and nothing is left open.
import { FAULTS, faults, makeFaulty, SHORTAGES } from './faulty-system.mjs';

await makeFaulty();
const { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } = await import('node:fs');
const { tmpdir } = await import('node:os');
const { join } = await import('node:path');
const { setTimeout: delay } = await import('node:timers/promises');
const { fileURLToPath } = await import('node:url');
const { parseArgs } = await import('node:util');
const { pino } = await import('pino');
const { createSupervisor, GreenroomError } = await import('../../dist/index.js');
const { randomFrom } = await import('../simulation/random.mjs');

const FIXTURES = fileURLToPath(new URL('../fixtures/plugins/', import.meta.url));
const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, runs: { type: 'string', default: '10000' } },
});
const seed = Number(values.seed);
const runs = Number(values.runs);
const SPELL_RUNS = 50;
const ROUND_SPELLS = 10;
const AT_ONCE = 12;
/** How long one run may take, in milliseconds: more than all that bounds it. */
const PATIENCE_MS = 30_000;

const random = randomFrom(seed);
/** The draws of the faults, which depend on timing, must not change what is done. */
faults.random = randomFrom(seed + 1);
/** @template T @param {readonly T[]} items */
const pick = (items) => /** @type {T} */ (items[Math.floor(random() * items.length)]);

/** @type {Record<string, number>} */
const ended = {};
/** @type {string[]} */
const wrong = [];
let given = 0;

/** @param {string} what */
const complain = (what) => {
  if (wrong.length < 20) wrong.push(what);
};

/** @param {string} name @param {Promise<unknown>} run @param {(value: any) => boolean} isRight */
async function follow(name, run, isRight) {
  const late = new AbortController();
  try {
    const value = await Promise.race([
      run,
      delay(PATIENCE_MS, undefined, { signal: late.signal }).then(() => {
        throw new Error(`has not ended after ${PATIENCE_MS} ms`);
      }),
    ]);
    ended['result'] = (ended['result'] ?? 0) + 1;
    if (!isRight(value)) complain(`${name} got ${JSON.stringify(value)}`);
  } catch (error) {
    const code = error instanceof GreenroomError ? error.code : 'untyped';
    ended[code] = (ended[code] ?? 0) + 1;
    if (code === 'untyped') complain(`${name}: ${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    late.abort();
  }
}

const PLUGINS = {
  node: { worker: 'node', module: join(FIXTURES, 'chaotic/chaotic.mjs') },
  again: { worker: 'node', module: join(FIXTURES, 'chaotic/chaotic.mjs'), idempotent: true },
  python: { worker: 'python', module: join(FIXTURES, 'chaotic/chaotic.py'), class: 'Chaotic' },
  command: { worker: 'command', command: process.execPath, args: [join(FIXTURES, 'bare/bare.mjs')] },
};
const NAMES = Object.keys(PLUGINS);

/** @param {number} round */
async function oneRound(round) {
  const folder = mkdtempSync(join(tmpdir(), 'gr-'));
  const plugins = join(folder, 'plugins');
  const run = join(folder, 'run');
  for (const path of [plugins, run]) mkdirSync(path);
  process.env['XDG_RUNTIME_DIR'] = run;
  let edits = 0;
  /** @param {string} name */
  const write = (name) => {
    edits += 1;
    const manifest = {
      name,
      description: `edit ${edits}`,
      ...PLUGINS[/** @type {keyof typeof PLUGINS} */ (name)],
      start_timeout_ms: 5_000,
      stop_timeout_ms: 1_000,
      liveness: { interval_ms: 200, timeout_ms: 3_000 },
      // Whoever is killed for a test's sake is not to be given up for that.
      restart: { intensity: 100_000, period_ms: 1_000, backoff: { base_ms: 1, cap_ms: 20 } },
    };
    const { rates } = faults;
    faults.rates = { spawn: 0, connect: 0, write: 0, file: 0 };
    writeFileSync(join(plugins, `${name}.json`), JSON.stringify(manifest));
    faults.rates = rates;
  };
  for (const name of NAMES) write(name);
  const supervisor = await createSupervisor({
    searchPaths: [plugins],
    dataDir: join(folder, 'data'),
    logger: pino({ level: 'silent' }),
    transport: round % 2 === 0 ? 'unix' : 'tcp',
    cancelGraceMs: 1_000,
    drainTimeoutMs: 2_000,
    ...(round % 3 === 2 && { capacity: { slots: 3 } }),
  });

  /** @type {[weight: number, act: (name: string) => Promise<void>][]} */
  const ACTS = [
    [
      60,
      (name) => {
        const value = Math.floor(random() * 1e9);
        const call = supervisor.execute(name, { value }, { timeoutMs: 10_000 });
        return follow(name, call, (got) => (name === 'command' ? got.pid > 0 : got.value === value));
      },
    ],
    [10, (name) => follow(name, streamed(supervisor, name), () => true)],
    [3, (name) => follow(`load ${name}`, supervisor.load(name), () => true)],
    [3, (name) => follow(`unload ${name}`, supervisor.unload(name), () => true)],
    [3, (name) => follow(`reload ${name}`, supervisor.reload(name), () => true)],
    [2, (name) => follow(`release ${name}`, supervisor.release(name), () => true)],
    [2, (name) => follow(`logs of ${name}`, supervisor.logs(name, { lines: 5 }), () => true)],
    [2, (name) => follow(`stats of ${name}`, supervisor.stats(name), () => true)],
    [
      4,
      (name) => {
        write(name);
        return follow('discover', supervisor.discover(), () => true);
      },
    ],
    [
      3,
      async (name) => {
        const pid = supervisor.plugins().find((plugin) => plugin.name === name)?.pid;
        try {
          if (pid !== undefined) process.kill(pid, 'SIGKILL');
        } catch {
          // It has ended by itself meanwhile.
        }
      },
    ],
  ];
  const total = ACTS.reduce((sum, [weight]) => sum + weight, 0);

  for (let spell = 0; spell < ROUND_SPELLS && given < runs && wrong.length === 0; spell += 1) {
    const isShortage = random() < 0.6;
    faults.codes = isShortage ? (random() < 0.5 ? SHORTAGES : [pick(SHORTAGES)]) : FAULTS;
    const rate = () => pick([0, 0.02, 0.2, 0.6, 1]);
    faults.rates = { spawn: rate(), connect: rate(), write: pick([0, 0.01, 0.1]), file: pick([0, 0.02, 0.2, 0.6]) };
    /** @type {Set<Promise<void>>} */
    const open = new Set();
    for (let run = 0; run < SPELL_RUNS && given < runs; run += 1) {
      given += 1;
      let at = random() * total;
      const act = ACTS.find(([weight]) => (at -= weight) < 0);
      const done = act?.[1](pick(NAMES)) ?? Promise.resolve();
      open.add(done);
      void done.finally(() => open.delete(done));
      if (open.size >= AT_ONCE) await Promise.race(open);
    }
    await Promise.all(open);
    if (isShortage) {
      for (const name of NAMES) {
        const plugin = supervisor.plugins().find((each) => each.name === name);
        if (plugin === undefined) complain(`a shortage made "${name}" be forgotten`);
        else if (plugin.phase === 'failed') complain(`"${name}" was given up: ${plugin.lastError?.message}`);
      }
    }
    faults.rates = { spawn: 0, connect: 0, write: 0, file: 0 };
    await supervisor.discover();
    for (const name of NAMES) {
      const phase = supervisor.plugins().find((each) => each.name === name)?.phase;
      if (phase === undefined) complain(`"${name}" is unknown though the system is well again`);
      else {
        // A program that is said not to be there is given up, and asked for anew.
        if (phase === 'failed') await supervisor.load(name);
        await serve(supervisor, name, isShortage);
      }
    }
  }
  const stopped = await Promise.race([supervisor.stop().then(() => true), delay(PATIENCE_MS, false)]);
  if (!stopped) complain('stop() has not ended');
  const left = [...readdirSync(run), ...readdirSync(join(folder, 'data', 'supervisors'))];
  if (left.length > 0) complain(`these files are left: ${left.join(', ')}`);
  rmSync(folder, { recursive: true, force: true });
}

/** @param {import('../../dist/index.js').Supervisor} supervisor @param {string} name @param {boolean} wasShortage */
async function serve(supervisor, name, wasShortage) {
  for (let tries = 0; ; tries += 1) {
    try {
      await supervisor.execute(name, { value: 1 }, { timeoutMs: 25_000 });
      return;
    } catch (error) {
      const { code, message } = /** @type {InstanceType<typeof GreenroomError>} */ (error);
      // One whose manifest was not there for a while ends first, and what had begun to fail fails once.
      if (tries < 20 && ['E_UNKNOWN_PLUGIN', 'E_STOPPING'].includes(code)) await delay(100);
      else if (tries < 20 && code === 'E_GIVEN_UP' && !wasShortage) await supervisor.load(name).catch(() => {});
      else if (tries > 0 || !['E_START', 'E_CRASHED', 'E_HANDSHAKE', 'E_START_TIMEOUT'].includes(code)) {
        complain(`"${name}" does not serve though the system is well again: ${code} ${message}`);
        return;
      }
    }
  }
}

/** @param {import('../../dist/index.js').Supervisor} supervisor @param {string} name */
async function streamed(supervisor, name) {
  const items = [];
  for await (const item of supervisor.stream(name, { count: 5 }, { timeoutMs: 10_000 })) items.push(item);
  return items;
}

/** The open descriptors of this process, and what they are. */
function descriptors() {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`).replace(/\d+/, 'N')];
    } catch {
      return [];
    }
  });
}

let before = 0;
for (let round = 0; given < runs && wrong.length === 0; round += 1) {
  await oneRound(round);
  await delay(0);
  // The first round has everything used once.
  if (round === 0) before = descriptors().length;
  else if (descriptors().length > before + 4) complain(`descriptors are left open: ${descriptors().join(' ')}`);
}
console.log(JSON.stringify({ seed, runs: given, ended, injected: faults.injected, wrong }, undefined, 1));
process.exitCode = wrong.length === 0 ? 0 : 1;
