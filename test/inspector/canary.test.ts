import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
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
    await vi.waitUntil(() => supervisor.plugin('bench').snapshot().phase === 'failed');
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
