import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const examples = fileURLToPath(new URL('../../examples/', import.meta.url));
const fixtures = fileURLToPath(new URL('../fixtures/plugins/', import.meta.url));

let folder = '';
const programs: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gr-'));
  mkdirSync(join(folder, 'run'));
});

afterEach(async () => {
  await Promise.all(
    programs.splice(0).map(async (program) => {
      if (program.exitCode !== null || program.signalCode !== null) return;
      program.kill('SIGTERM');
      await once(program, 'exit');
    }),
  );
  // A program that has stopped its supervisor leaves no socket behind.
  const left = readdirSync(join(folder, 'run'));
  rmSync(folder, { recursive: true, force: true });
  expect(left).toEqual([]);
});

/** Starts an example program; `status` resolves when it ends. */
function start(name: string, args: readonly string[] = []) {
  const program = spawn(process.execPath, [join(examples, name), ...args], {
    cwd: folder,
    env: { ...process.env, GREENROOM_HOME: join(folder, 'home'), XDG_RUNTIME_DIR: join(folder, 'run') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  programs.push(program);
  const errors = text(program.stderr);
  const status = once(program, 'exit').then(async ([code]) => {
    if (code !== 0) console.error(await errors);
    return code as number | null;
  });
  return { program, status, errors, output: () => text(program.stdout) };
}

/** Starts the server example; resolves to its URL once it listens. */
async function startServer(plugins?: string) {
  const { program, status } = start('server.mjs', ['0', ...(plugins === undefined ? [] : [plugins])]);
  program.stdout.setEncoding('utf8');
  const [line] = (await Promise.race([once(program.stdout, 'data'), status.then((code) => [`exit ${code}`])])) as [
    string,
  ];
  expect(line).toMatch(/^http:\/\/127\.0\.0\.1:\d+\n$/);
  return { url: line.trim(), program, status };
}

async function post(url: string, body: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, { method: 'POST', body, headers });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

test('embed.mjs indexes a folder with progress and streams what it finds', async () => {
  const texts = join(folder, 'texts');
  mkdirSync(texts);
  writeFileSync(join(texts, 'whales.md'), '# On whales\n\nA whale was seen from the ship.');
  writeFileSync(join(texts, 'ships.md'), '# On ships\n\nNobody saw anything.');
  const { status, output, errors } = start('embed.mjs', [texts, 'whale']);
  expect(await output()).toBe(
    '2 files indexed; those with "whale", best first:\n1. On whales: # On [whales] A [whale] was seen from the ship.\n',
  );
  expect(await errors).toMatch(/^50% .*\n100% .*\n$/);
  expect(await status).toBe(0);
});

test('check-texts.mjs fails the build where two texts are nearly the same', async () => {
  const texts = join(folder, 'texts');
  mkdirSync(texts);
  writeFileSync(join(texts, 'whales.md'), 'A whale was seen from the ship, and then no more of it for a long time.');
  const first = start('check-texts.mjs', [texts]);
  expect(await first.output()).toBe('1 texts compared\n');
  expect(await first.status).toBe(0);
  writeFileSync(join(texts, 'copy.md'), 'A whale was seen from the ship, and then no more of it for a long time!');
  const { status, errors } = start('check-texts.mjs', [texts]);
  expect(await errors).toBe('nearly the same: copy.md, whales.md\n');
  expect(await status).toBe(1);
});

test('subscribe.mjs shows a worker that is killed and comes back', async () => {
  const { status, output } = start('subscribe.mjs');
  const lines = (await output()).split('\n');
  const states = lines.flatMap((line) => /^hello-node: \w+ -> (\S+)/.exec(line)?.[1] ?? []);
  expect(states.slice(0, 9)).toEqual([
    ...['spawning.admitting', 'spawning.launching', 'spawning.initializing', 'ready.ready'],
    ...['crashed.deciding', 'crashed.backoff', 'spawning.admitting', 'spawning.launching', 'spawning.initializing'],
  ]);
  expect(lines).toContain('loaded: hello-node ready');
  expect(lines).toContain("{ text: 'Hello, again!' }");
  expect(await status).toBe(0);
});

test('server.mjs streams as NDJSON and as server-sent events, and says what is wrong', async () => {
  const { url, program, status } = await startServer();
  expect(await post(`${url}/hello-python`, '{"name":"Ada"}')).toEqual({
    status: 200,
    type: 'application/x-ndjson',
    text: '{"chunk":"Hello"}\n{"chunk":"Ada"}\n{"end":true}\n',
  });
  expect(await post(`${url}/hello-python`, '{}', { accept: 'text/event-stream' })).toEqual({
    status: 200,
    type: 'text/event-stream',
    text: 'data: {"chunk":"Hello"}\n\ndata: {"chunk":"world"}\n\ndata: {"end":true}\n\n',
  });
  const unknown = await post(`${url}/helo-python`, '');
  expect(unknown.status).toBe(404);
  expect(JSON.parse(unknown.text)).toMatchObject({ error: { code: 'E_UNKNOWN_PLUGIN' } });
  expect((await post(`${url}/hello-python`, '{')).status).toBe(400);
  expect((await post(`${url}/hello-command`, '{}')).status).toBe(502);
  program.kill('SIGINT');
  expect(await status).toBe(0);
});

test('server.mjs cancels the call of a client that leaves, and its worker serves the next', async () => {
  const { url } = await startServer(fixtures);
  const about = async (): Promise<unknown> => {
    const { text: answer } = await post(`${url}/workbench`, JSON.stringify({ count: 1 }));
    return JSON.parse(answer.slice(0, answer.indexOf('\n')));
  };
  // Without an end: only the client's leaving ends it.
  const leaving = request(`${url}/workbench`, { method: 'POST' });
  leaving.on('error', () => {});
  leaving.end(JSON.stringify({ pause: 1 }));
  const [response] = await once(leaving, 'response');
  await once(response, 'data');
  leaving.destroy();
  // The worker takes one call at a time, so an answer means that the endless one has ended.
  expect(await about()).toEqual({ chunk: { index: 0, filler: 'x' } });
});
