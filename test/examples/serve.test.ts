import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readManifest } from '../../src/manifest/read.ts';
import { resolveSettings } from '../../src/settings/resolve.ts';
import { openSupervisor } from '../runtime/greenroom.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/serve', import.meta.url));
const MODELS = join(EXAMPLES, 'models');

/** Debian has FastAPI for its own Python. */
const FASTAPI_PYTHON = ['python3', '/usr/bin/python3'].find((python) => {
  try {
    execFileSync(python, ['-c', 'import fastapi, uvicorn'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

const chat = (model: string, more: Record<string, unknown> = {}): RequestInit => ({
  method: 'POST',
  body: JSON.stringify({ model, messages: [{ role: 'user', content: 'one two three' }], ...more }),
});

test('of four models two fit into memory, and a third evicts the one that was idle for longest', async () => {
  const { searchPaths, capacity } = resolveSettings({}, { env: {}, cwd: MODELS });
  const { supervisor } = await openSupervisor({}, { searchPaths, capacity });
  const loaded = (): string[] =>
    supervisor
      .plugins()
      .filter(({ state }) => state === 'ready')
      .map(({ name }) => name);
  for (const [model, resident] of [
    ['coder', ['coder']],
    ['writer', ['coder', 'writer']],
    ['translator', ['translator', 'writer']],
    ['summary', ['summary', 'translator']],
  ] as const) {
    const answer = await supervisor.fetch(model, '/v1/chat/completions', chat(model));
    expect(await answer.json()).toMatchObject({ model, choices: [{ message: { content: 'three two one' } }] });
    expect(loaded()).toEqual(resident);
  }
  const { memoryRssMb } = await supervisor.stats('summary');
  expect(memoryRssMb).toBeGreaterThan(150);
  const stream = await supervisor.fetch('summary', '/v1/chat/completions', chat('summary', { stream: true }));
  expect((await stream.text()).trim().split('\n\n')).toHaveLength(4);
});

test.skipIf(FASTAPI_PYTHON === undefined)('a FastAPI application is a plugin, unchanged', async () => {
  const manifest = JSON.parse(readFileSync(join(EXAMPLES, 'fastapi/manifest.json'), 'utf8')) as object;
  const { supervisor } = await openSupervisor(({ plugins }) => {
    cpSync(join(EXAMPLES, 'fastapi'), join(plugins, 'fastapi-notes'), { recursive: true });
    const own = { ...manifest, command: FASTAPI_PYTHON };
    writeFileSync(join(plugins, 'fastapi-notes/manifest.json'), JSON.stringify(own));
    return {};
  });
  const put = await supervisor.fetch('fastapi-notes', '/notes/a', {
    method: 'PUT',
    body: JSON.stringify({ text: 'b' }),
    headers: { 'content-type': 'application/json' },
  });
  expect(await put.json()).toEqual({ title: 'a', text: 'b' });
  const missing = await supervisor.fetch('fastapi-notes', '/notes/no');
  expect([missing.status, await missing.json()]).toEqual([404, { detail: 'no such note' }]);
});

test('the web server that comes with Python is a plugin', async () => {
  const { supervisor } = await openSupervisor({}, { searchPaths: [EXAMPLES] });
  const found = await supervisor.fetch('files', '/manifest.json');
  expect(await found.json()).toMatchObject({ name: 'files' });
  expect(await (await supervisor.fetch('files', '/')).text()).toContain('manifest.json');
});

test.each(['coder', 'writer', 'translator', 'summary'])('the manifest of "%s" has no warning', (name) => {
  expect(readManifest(join(MODELS, 'plugins', `${name}.json`), name)).toMatchObject({ problems: [] });
});
