import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { all, door, failure, openSupervisor } from './greenroom.ts';

const OLDER = {
  worker: 'cjm',
  python_path: 'python3',
  module: 'older',
  class: 'Older',
  env_vars: { PYTHONPATH: fileURLToPath(new URL('../fixtures/cjm', import.meta.url)), PYTHONDONTWRITEBYTECODE: '1' },
};

describe('a worker of the older system', () => {
  it('is initialised with the defaults of its own schema and answers calls and streams', async () => {
    const { supervisor } = await openSupervisor({ older: OLDER });
    expect(await supervisor.execute('older', { name: 'Ada' })).toEqual({ text: 'Hello, Ada!' });
    expect(await all(supervisor.stream('older', { words: ['a', 'b'] }))).toEqual(['a', 'b']);
    expect(await supervisor.config('older')).toEqual({ greeting: 'Hello' });
    await supervisor.updateConfig('older', { greeting: 'Servus' });
    expect(await supervisor.execute('older', ['Bob'])).toEqual({ text: 'Servus, Bob!' });
  });

  it('has its errors told as errors, in calls and in streams', async () => {
    const { supervisor } = await openSupervisor({ older: OLDER });
    expect(await failure(supervisor.execute('older', { name: 'x', fail: true }))).toMatchObject({
      code: 'E_REMOTE',
      remote: { message: 'not that name' },
    });
    const words: unknown[] = [];
    const read = async (): Promise<void> => {
      for await (const word of supervisor.stream('older', { words: ['good', 'bad', 'never'] })) words.push(word);
    };
    expect(await failure(read())).toMatchObject({ code: 'E_REMOTE', remote: { message: 'a bad word' } });
    expect(words).toEqual(['good']);
  });

  it('that answers nothing else during a call or an initialise is not taken for hung', async () => {
    const liveness = { interval_ms: 10, timeout_ms: 100 };
    const older = { ...OLDER, env_vars: { ...OLDER.env_vars, BLOCKING: '1' }, liveness };
    const opened = await openSupervisor({ older, other: { fixture: 'stubborn', liveness } });
    const doors = [door(opened, 'call'), door(opened, 'config')] as const;
    /** Another worker is found hung meanwhile, so that there was time to find this one hung too. */
    const otherHangs = async (): Promise<void> => {
      const pid = await opened.supervisor.execute<number>('other', {});
      const hung = opened.entered('other', 'crashed');
      process.kill(pid, 'SIGSTOP');
      await hung;
    };
    await opened.supervisor.load('older');
    const called = opened.supervisor.execute('older', { name: 'Ada', door: doors[0].file });
    await otherHangs();
    doors[0].open();
    expect(await called).toEqual({ text: 'Hello, Ada!' });
    const configured = opened.supervisor.updateConfig('older', { greeting: 'Servus', door: doors[1].file });
    await otherHangs();
    doors[1].open();
    await configured;
    expect(await opened.supervisor.execute('older', { name: 'Bob' })).toEqual({ text: 'Servus, Bob!' });
    expect(opened.path('older')).not.toContain('crashed.deciding');
  });

  it('answers the call after one whose result was NaN, and tells errors of both forms', async () => {
    const { supervisor } = await openSupervisor({ older: OLDER });
    for (let round = 0; round < 5; round++) {
      expect(await failure(supervisor.execute('older', { name: 'x', nan: true }))).toMatchObject({
        code: 'E_PROTOCOL',
      });
      expect(await supervisor.execute('older', { name: 'Ada' })).toEqual({ text: 'Hello, Ada!' });
    }
    expect(await failure(supervisor.execute('older', { name: 'x', fail: 'job' }))).toMatchObject({
      code: 'E_REMOTE',
      remote: { message: expect.stringContaining('no such name'), category: 'input' },
    });
  });

  it('tells the last progress of a call that ends at once', async () => {
    const { supervisor } = await openSupervisor({ older: OLDER });
    const seen: number[] = [];
    await supervisor.execute('older', { name: 'x' }, { onProgress: ({ progress }) => seen.push(progress) });
    expect(seen).toEqual([1]);
  });

  it('reports progress, is cancelled, and takes the next call', async () => {
    const { supervisor } = await openSupervisor({ older: OLDER });
    const cancel = new AbortController();
    const call = supervisor.execute(
      'older',
      { name: 'x', wait: true },
      { signal: cancel.signal, onProgress: ({ progress }) => progress === 0.5 && cancel.abort() },
    );
    expect(await failure(call)).toMatchObject({ code: 'E_CANCELLED' });
    expect(await supervisor.execute('older', { name: 'y' })).toEqual({ text: 'Hello, y!' });
  });
});
