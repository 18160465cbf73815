import { setImmediate as turn } from 'node:timers/promises';
import type { GateEvent } from '../../src/calls/gate-event.ts';
import { LeaseGate } from '../../src/calls/lease-gate.ts';
import type { Residency } from '../../src/calls/lease-request.ts';
import { GreenroomError } from '../../src/errors.ts';
import { randomFrom } from '../simulation/random.mjs';
import { CRASH, ERROR, entryOf, KEPT, PluginBench, settingsOf } from './plugin-bench.ts';

/**
 * A history is what has happened to one plugin and what it did, as text: a line "> event" for each event, below it what
 * was sent to the scheduler, the supervisor and the workers, what was done to the gate, which states were entered and
 * what became of calls. It says nothing of how the machine remembers things.
 */
export type History = string;

/** How many events a history has at most. */
const LENGTH = 30;

type Make = (bench: PluginBench, argument: string) => unknown;

/** Every event there is, with how often it comes; `of` says what its argument is. */
const EVENTS: Readonly<Record<string, { often: number; of?: 'generation' | readonly string[]; make: Make }>> = {
  call: { often: 12, make: (b) => b.call() },
  leave: { often: 2, make: (b) => b.leave() },
  answer: { often: 8, make: (b) => b.answer() },
  load: { often: 3, make: (b) => b.send({ type: 'LOAD' }) },
  unload: { often: 2, make: (b) => b.send({ type: 'UNLOAD', error: ERROR }) },
  replace: { often: 3, make: (b) => b.send({ type: 'REPLACE' }) },
  remove: { often: 0.3, make: (b) => b.send({ type: 'REMOVE', error: ERROR }) },
  enable: { often: 1, make: (b) => b.send({ type: 'ENABLE' }) },
  disable: { often: 0.5, make: (b) => b.send({ type: 'DISABLE', error: ERROR }) },
  manifest: { often: 2, of: ['none', 'reconfigure', 'replace', 'idle', 'roomier'], make: changeManifest },
  config: { often: 1, make: (b) => b.send({ type: 'CONFIGURED', config: { colour: 'red' } }) },
  release: { often: 3, make: (b) => b.send({ type: 'RELEASE' }) },
  yield: { often: 3, make: (b) => b.send({ type: 'YIELD' }) },
  grant: { often: 14, of: 'generation', make: (b, n) => b.granted(Number(n)) },
  refuse: { often: 1, of: 'generation', make: (b, n) => b.refused(Number(n)) },
  cold: { often: 0.5, of: 'generation', make: (b, n) => b.send({ type: 'START_COLD', generation: Number(n) }) },
  connected: { often: 12, of: 'generation', make: (b, n) => b.connected(Number(n)) },
  ready: { often: 14, of: 'generation', make: (b, n) => b.ready(Number(n)) },
  failed: { often: 2, of: 'generation', make: (b, n) => b.failed(Number(n)) },
  starved: { often: 1, of: 'generation', make: failForMemory },
  exited: { often: 4, of: 'generation', make: (b, n) => b.exited(Number(n)) },
  hung: { often: 1, of: 'generation', make: (b, n) => b.hung(Number(n)) },
  gone: { often: 8, of: 'generation', make: (b, n) => b.gone(Number(n)) },
  oversized: { often: 1, of: 'generation', make: (b, n) => b.oversized(Number(n)) },
  outgrown: { often: 1, of: 'generation', make: (b, n) => b.oversized(Number(n), 60_000) },
  stuck: { often: 1, of: 'generation', make: (b, n) => b.send({ type: 'STUCK', generation: Number(n) }) },
  unreachable: { often: 1, of: 'generation', make: loseConnection },
  hungry: { often: 1, of: 'generation', make: (b, n) => b.send({ type: 'STARVED', generation: Number(n) }) },
  settle: { often: 6, of: ['kept', 'nothing', 'fails'], make: settle },
  restart: { often: 6, make: (b) => b.send({ type: 'RESTART', delayMs: 100 }) },
  stopped: { often: 1, make: (b) => b.send({ type: 'STOPPED' }) },
  'give-up': { often: 1, make: (b) => b.send({ type: 'GIVE_UP', error: ERROR }) },
  time: { often: 6, of: ['next', '1000', '60000'], make: pass },
};

/** What a plugin waits for in each place: it comes more often than not, so that histories lead everywhere. */
const AWAITED: Readonly<Record<string, readonly string[]>> = {
  'discovered.idle': ['call', 'load'],
  'discovered.stopping': ['gone', 'load', 'time'],
  'spawning.admitting': ['grant', 'gone', 'grant', 'call'],
  'spawning.launching': ['connected'],
  'spawning.initializing': ['ready'],
  'spawning.resuming': ['settle'],
  'ready.ready': ['call', 'release', 'yield', 'replace', 'time', 'call', 'exited', 'oversized', 'unload'],
  'busy.serving': ['answer', 'replace', 'grant', 'ready', 'yield', 'call', 'exited', 'answer', 'oversized', 'time'],
  'busy.draining': ['answer', 'time', 'call', 'exited', 'load'],
  'released.releasing': ['settle', 'settle', 'settle', 'gone', 'exited'],
  'released.warm': ['call', 'release', 'load', 'exited'],
  'released.cold': ['call', 'load', 'gone'],
  'crashed.deciding': ['restart', 'restart', 'restart', 'stopped', 'give-up'],
  'crashed.backoff': ['gone', 'time', 'call'],
  'crashed.failed': ['load', 'unload', 'gone', 'replace'],
};

function changeManifest(bench: PluginBench, change: string): void {
  const changed = {
    idle: { resources: { idle_release_ms: 1_000 } },
    roomier: { resources: { min_system_ram_mb: 50 } },
  };
  const entry = entryOf(changed[change as keyof typeof changed] ?? {});
  const effect = change === 'reconfigure' || change === 'replace' ? change : 'none';
  bench.send({ type: 'MANIFEST.CHANGED', entry, settings: settingsOf(entry), effect });
}

function failForMemory(bench: PluginBench, generation: string): void {
  const remote = { type: 'MemoryError', message: 'no', category: 'resource', retryable: true } as const;
  const error = new GreenroomError('E_REMOTE', 'No memory.', { remote });
  bench.send({ type: 'WORKER.FAILED', generation: Number(generation), error, retryable: true });
}

function loseConnection(bench: PluginBench, generation: string): void {
  bench.send({ type: 'UNREACHABLE', generation: Number(generation), error: CRASH });
}

async function settle(bench: PluginBench, how: string): Promise<void> {
  await bench.settle({ kept: KEPT, nothing: undefined, fails: CRASH }[how]);
}

function pass(bench: PluginBench, ms: string): void {
  bench.clock.pass(ms === 'next' ? (bench.clock.next ?? 0) : Number(ms));
}

/** A gate that says what is done to it. */
class ToldGate extends LeaseGate {
  readonly #note: (what: string) => void;

  constructor(announce: (event: GateEvent) => void, note: (what: string) => void) {
    super('p', announce);
    this.#note = note;
  }

  override open(residency: Residency): void {
    this.#note(`gate open ${residency.generation}`);
    super.open(residency);
  }

  override close(): void {
    this.#note('gate close');
    super.close();
  }

  override refuse(error: GreenroomError): void {
    this.#note(`gate refuse ${error.code}`);
    super.refuse(error);
  }

  override admit(): void {
    this.#note('gate refuse nobody');
    super.admit();
  }

  override refuseWaiting(error: GreenroomError): void {
    this.#note(`gate refuse-waiting ${error.code}`);
    super.refuseWaiting(error);
  }

  override lose(generation: number, residency: Residency | undefined, error: GreenroomError): void {
    this.#note(`gate lose ${generation} ${residency?.generation ?? 'none'} ${error.code}`);
    super.lose(generation, residency, error);
  }
}

/** A message without the actors and settings that it carries, in the order in which its fields were given. */
function describe(message: object): string {
  return JSON.stringify(message, (key, value: unknown) => {
    if (key === 'ref' || key === 'settings' || key === 'replyTo') return undefined;
    return value instanceof GreenroomError ? value.code : value;
  });
}

/** One plugin to which things happen, and the history of it so far. */
class Chronicle {
  readonly bench = new PluginBench(
    { restart: { intensity: 1 } },
    { describe, makeGate: (announce, note) => new ToldGate(announce, note) },
  );
  readonly lines: string[] = [];
  readonly #fates: string[] = [];
  #seen = { path: 0, replaced: 0, reconfigured: 0 };

  async happen(event: string): Promise<void> {
    const [name = '', argument = ''] = event.split(' ');
    await EVENTS[name]?.make(this.bench, argument);
    await turn();
    this.lines.push(`> ${event}`, ...this.#news());
    const { status, error } = this.bench.actor.getSnapshot();
    if (status === 'error') throw error;
  }

  *#news(): Generator<string> {
    const { told, path, replacements, reconfigured, callers } = this.bench;
    yield* told.splice(0);
    for (const place of path.slice(this.#seen.path)) yield `= ${place}`;
    for (const how of replacements.slice(this.#seen.replaced)) yield `replaced ${how}`;
    for (const generation of reconfigured.slice(this.#seen.reconfigured)) yield `reconfigure ${generation}`;
    this.#seen = { path: path.length, replaced: replacements.length, reconfigured: reconfigured.length };
    for (const [number, { fate }] of callers.entries()) {
      if (this.#fates[number] === fate) continue;
      this.#fates[number] = fate;
      yield `call ${number} ${fate}`;
    }
    if (this.bench.at === 'removed') yield '= removed';
  }
}

/** Makes up a history: events as they come and, now and then, such as come too late or for the wrong worker. */
export async function makeHistory(seed: number): Promise<History> {
  const random = randomFrom(seed);
  const chronicle = new Chronicle();
  const { bench, lines } = chronicle;
  const total = Object.values(EVENTS).reduce((sum, { often }) => sum + often, 0);
  for (let length = 0; length < LENGTH && bench.at !== 'removed'; length += 1) {
    let left = random() * total;
    const any = Object.entries(EVENTS).find(([, { often }]) => (left -= often) < 0)?.[0] ?? 'call';
    const awaited = AWAITED[bench.at] ?? [any];
    const name = random() < 0.7 ? (awaited[Math.floor(random() * awaited.length)] ?? any) : any;
    const { of } = EVENTS[name] ?? {};
    // As a rule the newest worker, sometimes an old one or one that never was.
    const newest = lines.filter((line) => /^worker \d+ start$/.test(line)).length + (name === 'grant' ? 1 : 0);
    const generation = random() < 0.8 ? Math.max(1, newest) : Math.ceil(random() * (newest + 1));
    const choice = of === 'generation' ? generation : of?.[Math.floor(random() * of.length)];
    await chronicle.happen(choice === undefined ? name : `${name} ${choice}`);
  }
  bench.stop();
  return lines.join('\n');
}

/** The history that the same events have now. */
export async function repeatHistory(history: History): Promise<History> {
  const chronicle = new Chronicle();
  for (const line of history.split('\n')) if (line.startsWith('> ')) await chronicle.happen(line.slice(2));
  chronicle.bench.stop();
  return chronicle.lines.join('\n');
}
