import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { folder, write } from '../cli/command-line.ts';
import { type Served, serve } from '../cli/served-daemon.ts';
import { eventually } from '../eventually.ts';
import { SEED } from '../seed.ts';
import { randomFrom } from '../simulation/random.mjs';

const SERVER = fileURLToPath(new URL('../fixtures/models/server.mjs', import.meta.url));
const REQUESTS = 1_000;
/** How many clients ask at once, each one request after the other; many, so that a model that is loaded has many to serve. */
const CLIENTS = 100;
/** How many requests a server takes at once: so many are lost with it at the most. */
const CONCURRENCY = 4;

interface Listed {
  readonly name: string;
  readonly state: string;
  readonly pid?: number;
}

/** Writes the manifest of a server of models; `edit` is what an edit changes. */
function writeModel(name: string, edit: number): void {
  write(`models/${name}.json`, {
    name,
    worker: 'http',
    command: process.execPath,
    args: [SERVER],
    models: [name],
    max_concurrency: CONCURRENCY,
    env_vars: { EDIT: edit },
    restart: { intensity: 1_000_000, backoff: { base_ms: 1, cap_ms: 50 } },
  });
}

/** A daemon with a server for each of these models. */
async function serveModels(models: readonly string[], capacity: string): Promise<Served> {
  for (const name of models) writeModel(name, 0);
  return serve(['--search-path', `${folder}/models`], { GREENROOM_CAPACITY: capacity });
}

async function end({ child, ended }: Served): Promise<void> {
  child.kill();
  expect(await ended).toMatchObject({ status: 0 });
}

const chat = ({ ask }: Served, model: string, content: string): ReturnType<Served['ask']> =>
  ask('/v1/chat/completions', {
    method: 'POST',
    body: JSON.stringify({ model, messages: [{ role: 'user', content }] }),
  });

async function listed({ ask }: Served): Promise<readonly Listed[]> {
  return (JSON.parse((await ask('/api/plugins')).body) as { readonly plugins: readonly Listed[] }).plugins;
}

test(`of ${REQUESTS} requests for six models in memory for two, only those in a killed process are lost (seed ${SEED})`, async () => {
  const random = randomFrom(SEED);
  const models = ['a', 'b', 'c', 'd', 'e', 'f'] as const;
  const any = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
  const served = await serveModels(models, 'slots=2');
  const killed = new Map<string, number>();
  const lost = new Map<string, number>();
  const wrong: unknown[] = [];
  const done = { answered: 0, reloads: 0, edits: 0 };
  let asked = 0;

  async function client(): Promise<void> {
    while (asked < REQUESTS) {
      asked += 1;
      const model = any(models) ?? 'a';
      const content = `sleep ${1 + (asked % 20)}`;
      const { status, body } = await chat(served, model, content);
      if (status === 200 && body.includes(content) && body.includes(`"model":"${model}"`)) done.answered += 1;
      else if (body.includes('E_CRASHED') && body.includes('SIGKILL')) lost.set(model, (lost.get(model) ?? 0) + 1);
      else wrong.push({ model, status, body });
    }
  }
  const clients = Promise.all(Array.from({ length: CLIENTS }, client));

  async function kill(): Promise<void> {
    // A worker that serves: one that starts takes those along that wait for it.
    const { name, pid } =
      any((await listed(served)).filter(({ state }) => state === 'ready' || state === 'busy')) ?? {};
    if (name === undefined || pid === undefined) return;
    try {
      process.kill(pid, 'SIGKILL');
      killed.set(name, (killed.get(name) ?? 0) + 1);
    } catch {
      // It has ended by itself.
    }
  }
  async function trouble(): Promise<void> {
    // Each after so many further requests.
    for (let next = 10; next < REQUESTS; next += 10 + Math.floor(random() * 30)) {
      await eventually(() => expect(asked).toBeGreaterThanOrEqual(next), { interval: 5 });
      const name = any(models) ?? 'a';
      const act = random();
      if (act < 0.5) await kill();
      else if (act < 0.75) {
        done.reloads += 1;
        // Of one whose new worker is killed it fails.
        void served.ask(`/api/plugins/${name}/reload`, { method: 'POST' }).catch(() => {});
      } else {
        done.edits += 1;
        writeModel(name, done.edits);
      }
    }
  }
  await Promise.all([clients, trouble()]);

  expect(wrong).toEqual([]);
  for (const [model, count] of lost) {
    const most = CONCURRENCY * (killed.get(model) ?? 0);
    expect(count, `lost of "${model}", whose server was killed ${killed.get(model) ?? 0} times`).toBeLessThanOrEqual(
      most,
    );
  }
  const sum = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((a, b) => a + b, 0);
  expect(done.answered + sum(lost)).toBe(asked);
  // What is to be held against all that has happened.
  expect(Math.min(sum(killed), done.reloads, done.edits)).toBeGreaterThan(0);
  await end(served);
});

test('an edit of one model leaves the processes of all others as they were', async () => {
  const models = ['a', 'b', 'c', 'd'];
  const served = await serveModels(models, 'slots=5');
  const pids = async () => Object.fromEntries((await listed(served)).map(({ name, pid }) => [name, pid]));
  for (const model of models) expect((await chat(served, model, 'hello')).status).toBe(200);
  const before = await pids();
  expect(new Set(Object.values(before)).size).toBe(models.length);
  writeModel('b', 1);
  const edited = await eventually(async () => {
    const after = await pids();
    expect([undefined, before['b']]).not.toContain(after['b']);
    return after;
  });
  expect({ ...edited, b: before['b'] }).toEqual(before);
  for (const model of models) expect((await chat(served, model, 'hello')).status).toBe(200);
  expect(await pids()).toEqual(edited);
  await end(served);
});
