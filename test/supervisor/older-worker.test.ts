import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { all, failure, openRoom } from './greenroom.ts';

const OLDER = {
  worker: 'cjm',
  python_path: 'python3',
  module: 'older',
  class: 'Older',
  env_vars: { PYTHONPATH: fileURLToPath(new URL('../fixtures/cjm', import.meta.url)), PYTHONDONTWRITEBYTECODE: '1' },
};

describe('a worker of the older system', () => {
  it('is initialised with the defaults of its own schema and answers calls and streams', async () => {
    const { supervisor } = await openRoom({ older: OLDER });
    expect(await supervisor.execute('older', { name: 'Ada' })).toEqual({ text: 'Hello, Ada!' });
    expect(await all(supervisor.stream('older', { words: ['a', 'b'] }))).toEqual(['a', 'b']);
    expect(await supervisor.config('older')).toEqual({ greeting: 'Hello' });
    await supervisor.updateConfig('older', { greeting: 'Servus' });
    expect(await supervisor.execute('older', ['Bob'])).toEqual({ text: 'Servus, Bob!' });
  });

  it('has its errors told as errors, in calls and in streams', async () => {
    const { supervisor } = await openRoom({ older: OLDER });
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

  it('reports progress, is cancelled, and takes the next call', async () => {
    const { supervisor } = await openRoom({ older: OLDER });
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
