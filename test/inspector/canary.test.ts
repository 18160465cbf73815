import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type { LogPage } from '../../src/inspector/wire-logs.ts';
import { eventuallyTrue } from '../eventually.ts';
import { get, inspect, openBench, Reader } from './bench.ts';

it('shows no secret, wherever it comes from and wherever it turns up', async () => {
  vi.stubEnv('CANARY_API_TOKEN', 'canary-host-environment');
  try {
    const bench = await openBench({
      description: 'from https://user:canary-description@example.com/',
      pass_env: ['CANARY_*'],
      env_vars: { PLUGIN_SECRET: 'canary-manifest-variable', PLAIN: 'canary-plain-variable' },
      restart: { policy: 'temporary' },
      config_schema: {
        type: 'object',
        properties: {
          apiKey: { type: 'string', default: 'canary-default' },
          greeting: { type: 'string', writeOnly: true },
          endpoint: { type: 'string' },
        },
      },
    });
    const { supervisor } = bench;
    const { inspector, port, token } = await inspect(bench.inspected);
    const reader = new Reader(port, token);
    await reader.sync();
    const file = join(bench.folder, 'session.ndjson');
    const recording = await inspector.record(file);
    const config = {
      apiKey: 'canary-config-key',
      greeting: 'canary-config-write-only',
      endpoint: 'https://me:canary-url@example.com/?token=canary-query',
    };
    await supervisor.load('bench', { config });
    await supervisor.updateConfig('bench', { ...config, apiKey: 'canary-second-key' });
    // Everything that the worker knows, printed and lost with it.
    await supervisor.execute('bench', {
      do: 'say',
      text: [
        'canary-host-environment canary-manifest-variable canary-config-key canary-second-key canary-config-write-only',
        'run --password canary-argument --api-key=canary-assigned',
        'Authorization: Bearer canary-bearer {"client_secret":"canary-json"}',
        'HARMLESS',
      ].join('\n'),
    });
    await supervisor.execute('bench', { do: 'about', password: 'canary-input' });
    await expect(supervisor.execute('bench', { do: 'exit', code: 3 })).rejects.toMatchObject({ code: 'E_CRASHED' });
    await eventuallyTrue(() => supervisor.plugin('bench').snapshot().phase === 'failed');
    await expect(
      supervisor.load('bench', { config: { refuse: 'password=canary-error', apiKey: 'canary-third' } }),
    ).rejects.toThrow('canary-error');
    bench.write('bench', { args: ['--token', 'canary-new-argument'], env_vars: { API_KEY: 'canary-new-variable' } });
    bench.write('wrong', { env_vars: { 'password=canary-problem': {} } });
    await supervisor.discover();
    await reader.record((record) => record.kind === 'crash' && record.output.includes('HARMLESS'));

    const good = { authorization: `Bearer ${token}` };
    await recording.close();
    const shown = [
      JSON.stringify(reader.events),
      (await get(port, '/api/snapshot', good)).body,
      (await get(port, '/api/export', good)).body,
      readFileSync(file, 'utf8'),
    ];
    const { seq } = JSON.parse(shown[1] as string) as { seq: number };
    for (let each = 1; each <= seq; each += 1) {
      const { status, body } = await get(port, `/api/payload/${each}`, good);
      if (status === 200) shown.push(body);
    }
    expect(shown.length).toBeGreaterThan(4);
    for (const text of shown) expect(text.match(/.{0,80}canary-.{0,40}/)?.[0]).toBeUndefined();
    expect(shown[0]).toContain('HARMLESS');
  } finally {
    vi.unstubAllEnvs();
  }
});

it('shows no line of a secret of 1 MB, printed line by line, nor what an old log says by name', async () => {
  const lines = Array.from({ length: 14_000 }, (_, n) =>
    `canary-line-${n}-${'0123456789abcdef'.repeat(4)}`.slice(0, 76),
  );
  // Short ones too: each of 8 characters or more is a secret of its own.
  const secret = [...lines, 'canary-a', 'canary-b'].join('\n');
  expect(secret.length).toBeGreaterThan(1_000_000);
  const bench = await openBench({
    restart: { policy: 'temporary' },
    config_schema: { type: 'object', properties: { key: { type: 'string', writeOnly: true } } },
  });
  const { supervisor, folder } = bench;
  mkdirSync(join(folder, 'logs'));
  const old =
    'DB_PASSWORD=canary-old --token canary-old "api_key": "canary-old" https://me:canary-old@host/ Bearer canary-old';
  const time = new Date(Date.now() - 1e6).toISOString();
  const stream = 'stdout';
  writeFileSync(join(folder, 'logs', 'bench.log'), `${JSON.stringify({ level: 30, time, stream, msg: old })}\n`);
  const { inspector, port, token } = await inspect(bench.inspected);
  const good = { authorization: `Bearer ${token}` };
  const reader = new Reader(port, token);
  await reader.sync();
  const file = join(folder, 'session.ndjson');
  const recording = await inspector.record(file);
  await supervisor.load('bench', { config: { key: secret } });
  for (let n = 0; n < lines.length; n += 500) {
    await supervisor.execute('bench', { do: 'say', text: lines.slice(n, n + 500).join('\n') });
  }
  const short = 'canary-a\ncanary-b';
  for (const text of [short, encodeURIComponent(secret), JSON.stringify(secret)]) {
    await supervisor.execute('bench', { do: 'say', text });
  }
  await expect(supervisor.execute('bench', { do: 'exit', code: 3 })).rejects.toMatchObject({ code: 'E_CRASHED' });
  await reader.record((record) => record.kind === 'crash');
  await recording.close();

  const shown = [JSON.stringify(reader.events), readFileSync(file, 'utf8')];
  for (const path of ['/api/snapshot', '/api/export']) shown.push((await get(port, path, good)).body);
  let printed = 0;
  for (let from: string | undefined = '', pages = 0; from !== undefined && pages < 200; pages += 1) {
    const { body } = await get(
      port,
      `/api/logs?plugin=bench${from === '' ? '' : `&from=${encodeURIComponent(from)}`}`,
      good,
    );
    const page = JSON.parse(body) as LogPage;
    printed += page.lines.length;
    shown.push(JSON.stringify(page.lines));
    from = page.next;
  }
  // The log drops what a busy disk is too slow for.
  expect(printed).toBeGreaterThan(1_000);
  // Nor can it be searched for.
  const found = JSON.parse((await get(port, '/api/logs?plugin=bench&text=canary', good)).body) as LogPage;
  expect(found.lines.map(({ text }) => text.match(/.{0,40}canary.{0,60}/)?.[0])).toEqual([]);
  for (const text of shown) expect(text.match(/.{0,80}canary-.{0,40}/)?.[0]).toBeUndefined();
  expect(shown.at(-1)).toContain('DB_PASSWORD=[redacted]');
  // It goes on.
  await eventuallyTrue(() => supervisor.plugin('bench').snapshot().phase === 'failed');
  await supervisor.load('bench');
  await supervisor.execute('bench', { do: 'say', text: 'HARMLESS' });
  const harmless = '/api/logs?plugin=bench&text=HARMLESS';
  await eventuallyTrue(async () => (await get(port, harmless, good)).body.includes('HARMLESS'));
  expect(bench.errors).toEqual([]);
});
