import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FIXTURES } from '../fixtures/plugins.ts';
import { failure, gone, type ManifestOf, type OpenedSupervisor, openSupervisor, startCall } from './greenroom.ts';

/** So long that a test which had to wait for it would not end in time. */
const TOO_LONG_MS = 600_000;

const PATIENT = { drain_timeout_ms: 1, stop_timeout_ms: TOO_LONG_MS, cancel_grace_ms: TOO_LONG_MS };

const PYTHON: ManifestOf = { worker: 'python', module: join(FIXTURES, 'lingering/lingering.py') };
const NODE: ManifestOf = { worker: 'node', module: join(FIXTURES, 'lingering/lingering.mjs') };

async function openLingering(manifest: ManifestOf): Promise<{ opened: OpenedSupervisor; journal: () => string[] }> {
  let file = '';
  const opened = await openSupervisor({}, ({ scratch }) => {
    file = join(scratch, 'journal');
    return {};
  });
  opened.write('lingering', { ...manifest, ...PATIENT, env_vars: { JOURNAL: file } });
  await opened.supervisor.discover();
  return { opened, journal: () => readFileSync(file, 'utf8').trimEnd().split('\n') };
}

/** The ways to end the worker of a plugin that is busy. */
const ENDS: Record<string, (opened: OpenedSupervisor) => Promise<unknown>> = {
  unload: ({ supervisor }) => supervisor.unload('lingering'),
  stop: ({ supervisor }) => supervisor.stop(),
  'taking its manifest away': async (opened) => {
    const rests = opened.entered('lingering', 'discovered');
    rmSync(join(opened.plugins, 'lingering.json'));
    await opened.supervisor.discover();
    await rests;
    await opened.supervisor.stop();
  },
  reload: async ({ supervisor, snapshot }) => {
    const { pid } = snapshot('lingering');
    await supervisor.reload('lingering');
    await gone([pid as number]);
  },
};

describe.each(Object.keys(ENDS))('a busy plugin whose drain ends, by %s,', (end) => {
  it.each([
    ['Python, with cancel()', { ...PYTHON, class: 'Flag' }, ['cancel', 'execute ended', 'cleanup']],
    ['Python, asynchronous', { ...PYTHON, class: 'Await' }, ['finally', 'cleanup']],
    ['Node', NODE, ['aborted', 'execute ended', 'cleanup']],
  ])('is cancelled, then cleans up: %s', async (_what, manifest, expected) => {
    const { opened, journal } = await openLingering(manifest);
    const { running, result } = startCall(opened, 'lingering', {});
    await running;
    await ENDS[end]?.(opened);
    expect(await failure(result)).toMatchObject({ code: 'E_STOPPING' });
    expect(journal().slice(0, expected.length)).toEqual(expected);
  });
});

describe('at the end of a drain', () => {
  it.each([
    ['Python', { ...PYTHON, class: 'Stream' }],
    ['Python, asynchronous', { ...PYTHON, class: 'AwaitedStream' }],
    ['Node', NODE],
  ])('a stream ends at its next chunk, although its reader has stopped reading: %s', async (_what, manifest) => {
    const { opened, journal } = await openLingering(manifest);
    const stream = opened.supervisor.stream('lingering', {})[Symbol.asyncIterator]();
    await stream.next();
    await opened.supervisor.unload('lingering');
    expect(journal()).toEqual(['finally', 'cleanup']);
    await stream.return?.();
  });

  it('an asynchronous cancel() is awaited, and finally still runs to its end', async () => {
    const { opened, journal } = await openLingering({ ...PYTHON, class: 'AwaitWithCancel' });
    const { running, result } = startCall(opened, 'lingering', {});
    await running;
    await opened.supervisor.unload('lingering');
    await failure(result);
    expect(journal().toSorted()).toEqual(['cancel', 'cleanup', 'finally']);
  });

  it('a call that looks up at nothing does not keep cleanup from running', async () => {
    const { opened, journal } = await openLingering({ ...PYTHON, class: 'Deaf' });
    const { running, result } = startCall(opened, 'lingering', {});
    await running;
    await opened.supervisor.unload('lingering');
    await failure(result);
    expect(journal()).toEqual(['cleanup']);
  });

  it('a plugin without a cleanup still gets to its finally', async () => {
    const { opened, journal } = await openLingering({ ...PYTHON, class: 'NoCleanup' });
    const { running, result } = startCall(opened, 'lingering', {});
    await running;
    await opened.supervisor.unload('lingering');
    await failure(result);
    expect(journal()).toEqual(['finally']);
  });

  it('several calls at once are all cancelled before the cleanup', async () => {
    const { opened, journal } = await openLingering({ ...PYTHON, class: 'Await', max_concurrency: 3 });
    const calls = [1, 2, 3].map(() => startCall(opened, 'lingering', {}));
    await Promise.all(calls.map(({ running }) => running));
    await opened.supervisor.unload('lingering');
    await Promise.all(calls.map(({ result }) => failure(result)));
    expect(journal()).toEqual(['finally', 'finally', 'finally', 'cleanup']);
  });
});
