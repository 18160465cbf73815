import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { FIXTURES } from '../fixtures/plugins.ts';
import { failure, openSupervisor } from './greenroom.ts';

const EXISTING = { worker: 'python', module: join(FIXTURES, 'existing/existing.py'), class: 'Existing' };

afterEach(() => vi.unstubAllEnvs());

it('variables of the former host reach Python plugins, and no others', async () => {
  vi.stubEnv('CJM_DATA_DIR', '/data');
  const { supervisor } = await openSupervisor({ existing: EXISTING, node: { fixture: 'workbench' } });
  expect(await supervisor.execute('existing', ['data'])).toEqual({ CJM_DATA_DIR: '/data' });
  expect(await supervisor.execute('node', { do: 'world' })).not.toHaveProperty('env.CJM_DATA_DIR');
});

it('the working directory is on the module path, last', async () => {
  const { supervisor } = await openSupervisor({ existing: EXISTING });
  expect(await supervisor.execute('existing', ['path'])).toBe(true);
});

it('what logging says and the traceback of a failed call are in the log', async () => {
  const { supervisor } = await openSupervisor({ existing: EXISTING, quiet: { ...EXISTING, class: 'Quiet' } });
  expect(await failure(supervisor.execute('existing', ['fails']))).toMatchObject({ code: 'E_REMOTE' });
  await supervisor.unload('existing');
  const log = await supervisor.logs('existing');
  expect(log).toContain('[INFO] existing: made');
  expect(log).toMatch(/a call failed\n.*Traceback(.*\n)*.*ValueError: cannot \\udcff/);
  await supervisor.load('quiet');
  await supervisor.unload('quiet');
  expect(await supervisor.logs('quiet')).not.toContain('not shown');
});

it.each(['latin-1', 'ascii', 'utf-16'])(
  'any text can be printed and answered, whatever the encoding: %s',
  async (encoding) => {
    const env_vars = { PYTHONIOENCODING: encoding, LC_ALL: 'C' };
    const { supervisor } = await openSupervisor({ existing: { ...EXISTING, env_vars } });
    expect(await supervisor.execute('existing', ['says', '✓ 日本'])).toBe('✓ 日本');
    expect(await supervisor.execute('existing', ['lists'])).toBe('name \udcff');
    await supervisor.unload('existing');
    const log = await supervisor.logs('existing');
    expect(log).toContain('✓ 日本');
    expect(log).toContain('✓ 日本\\udcff');
  },
);

it('a class that closes its standard descriptors works, and nothing that it prints meets the wire', async () => {
  const { supervisor } = await openSupervisor({ existing: { ...EXISTING, class: 'Closed' } });
  for (let call = 0; call < 3; call++) expect(await supervisor.execute('existing', {})).toBe('called');
  await supervisor.updateConfig('existing', {});
  expect(await supervisor.execute('existing', {})).toBe('called');
});

it('a system monitor gets its command as the first argument, whatever that is called', async () => {
  const { supervisor } = await openSupervisor({ existing: EXISTING });
  await supervisor.registerSystemMonitor('existing');
  expect(await supervisor.systemStats()).toMatchObject({ memoryAvailableMb: 1234 });
});
