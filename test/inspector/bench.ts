import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as ask } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterEach, vi } from 'vitest';
import { type Inspected, type InspectorOptions, openInspector } from '../../src/inspector/index.ts';
import type { Inspector } from '../../src/inspector/inspector.ts';
import type { InspectorRecord, Sync } from '../../src/inspector/wire.ts';
import { type Jobs, openJobs } from '../../src/jobs/index.ts';
import { Runtime } from '../../src/runtime/runtime.ts';
import { Supervisor } from '../../src/runtime/supervisor.ts';
import { resolveSettings } from '../../src/settings/resolve.ts';
import type { SupervisorSettings } from '../../src/settings/schema.ts';
import { systemClock } from '../../src/time/clock.ts';
import { eventuallyTrue } from '../eventually.ts';

const WORKBENCH = fileURLToPath(new URL('../fixtures/plugins/workbench/workbench.mjs', import.meta.url));

// Vitest picks XState's development build, which warns of actions of one actor that run within those of another.
vi.spyOn(console, 'warn').mockImplementation(() => {});

/** A real supervisor with the plugin `bench`, and what an inspector takes of it. */
export interface Bench {
  readonly runtime: Runtime;
  readonly supervisor: Supervisor;
  readonly inspected: Inspected;
  readonly folder: string;
  /** What the runtime logged as an error, such as what its listeners threw. */
  readonly logged: unknown[];
  /** What went wrong in the recorder. */
  readonly errors: unknown[];
  write(name: string, manifest?: Record<string, unknown>): void;
}

const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

/** Has something ended after the test, the last first. */
export function endAfterTest(end: () => Promise<void>): void {
  ends.push(end);
}

export async function openBench(
  manifest: Record<string, unknown> = {},
  given: SupervisorSettings = {},
): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'gr-inspector-'));
  const plugins = join(folder, 'plugins');
  mkdirSync(plugins);
  const write = (name: string, given: Record<string, unknown> = {}): void =>
    writeFileSync(join(plugins, `${name}.json`), JSON.stringify({ name, module: WORKBENCH, ...given }));
  write('bench', manifest);
  const settings = resolveSettings(
    { searchPaths: [plugins], dataDir: folder, watch: false, restart: { backoff: { baseMs: 1, capMs: 5 } }, ...given },
    { env: {}, cwd: folder },
  );
  const logged: unknown[] = [];
  const runtime = new Runtime(settings, {
    clock: systemClock,
    random: Math.random,
    logger: pino({ level: 'error' }, { write: (line) => void logged.push(line) }),
  });
  const supervisor = new Supervisor(runtime, settings);
  await runtime.start();
  const errors: unknown[] = [];
  const { records, transitions, instances, problems, code, clock, root, systemMonitor } = runtime;
  const onError = (error: unknown): void => void errors.push(error);
  const { maxWaitMs } = settings;
  const shown = { records, transitions, instances, problems, code, clock, root, systemMonitor };
  const inspected: Inspected = { ...shown, supervisor, maxWaitMs, onError };
  endAfterTest(async () => {
    await supervisor.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return { runtime, supervisor, inspected, folder, errors, logged, write };
}

/** An inspector that is closed after the test, with its address taken apart. */
export async function inspect(
  inspected: Inspected,
  options: InspectorOptions = {},
): Promise<{ inspector: Inspector; port: number; token: string }> {
  const inspector = await openInspector(inspected, options);
  endAfterTest(() => inspector.close());
  const url = new URL(inspector.url);
  return { inspector, port: Number(url.port), token: url.hash.replace('#token=', '') };
}

/** The jobs of a bench. They are closed after the test, before its supervisor is stopped. */
export async function openBenchJobs({ supervisor }: Pick<Bench, 'supervisor'>, folder?: string): Promise<Jobs> {
  const jobs = await openJobs({ supervisor, folder });
  endAfterTest(() => jobs.close());
  return jobs;
}

/** What a server answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** One request on a connection of its own, with exactly these headers beside those of a good client. */
export function get(
  port: number,
  path: string,
  headers: Record<string, string | string[]> = {},
  { method = 'GET', body }: { method?: string; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = ask(
      { host: '127.0.0.1', port, path, method, agent: false, headers: { host: `127.0.0.1:${port}`, ...headers } },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** An event of a stream. */
export interface StreamEvent {
  readonly id: number;
  readonly event: string;
  readonly data: unknown;
}

/** A reader of `/api/stream`, whose events are gathered. Left after the test. */
export class Reader {
  readonly events: StreamEvent[] = [];
  readonly leave: () => Promise<void>;
  #text = '';

  constructor(port: number, token: string, last?: number) {
    const resume = last === undefined ? {} : { 'last-event-id': String(last) };
    const sent = ask({
      host: '127.0.0.1',
      port,
      path: '/api/stream',
      agent: false,
      headers: { host: `127.0.0.1:${port}`, authorization: `Bearer ${token}`, ...resume },
    });
    sent.on('response', (response) => {
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => this.#take(chunk));
      response.on('error', () => {});
    });
    sent.on('error', () => {});
    sent.end();
    this.leave = () =>
      new Promise((resolve) => {
        if (sent.closed) resolve();
        else sent.once('close', () => resolve()).destroy();
      });
    endAfterTest(this.leave);
  }

  /** Resolves to the first sync. */
  async sync(): Promise<Sync> {
    const found = await eventuallyTrue(() => this.events.find(({ event }) => event === 'sync'));
    return found.data as Sync;
  }

  /** Every record that came in a batch. */
  records(): InspectorRecord[] {
    return this.events.filter(({ event }) => event === 'batch').flatMap(({ data }) => data as InspectorRecord[]);
  }

  /** Resolves to the first record of which this is true, in a batch. */
  async record(wanted: (record: InspectorRecord) => boolean): Promise<InspectorRecord> {
    return eventuallyTrue(() => this.records().find(wanted));
  }

  #take(chunk: string): void {
    const events = (this.#text + chunk).split('\n\n');
    this.#text = events.pop() ?? '';
    for (const text of events) {
      const [id = '', event = '', data = ''] = text.split('\n').map((line) => line.slice(line.indexOf(' ') + 1));
      this.events.push({ id: Number(id), event, data: JSON.parse(data) as unknown });
    }
  }
}
