import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CallTrace } from '../../src/index.ts';
import { all, failure, openSupervisor } from './greenroom.ts';

const GIVEN = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const OTHER = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';

describe.each(['workbench', 'workbench-python'])('the traceparent of a call of %s', (fixture) => {
  it('is that of its options, and none where it has none', async () => {
    const { supervisor } = await openSupervisor({ plugin: { fixture } });
    expect(await supervisor.execute('plugin', { do: 'traceparent' }, { traceparent: GIVEN })).toBe(GIVEN);
    expect(await supervisor.execute('plugin', { do: 'traceparent' })).toBeNull();
    expect(await all(supervisor.stream('plugin', { do: 'traceparent' }, { traceparent: OTHER }))).toEqual([OTHER]);
  });

  it('is that which a subscriber to its start has put in the place of it', async () => {
    const { supervisor } = await openSupervisor({ plugin: { fixture } });
    const seen: (string | undefined)[] = [];
    const onStart = (message: unknown): void => {
      const trace = message as CallTrace;
      seen.push(trace.traceparent);
      trace.traceparent = OTHER;
    };
    subscribe('tracing:greenroom:call:start', onStart);
    onTestFinished(() => void unsubscribe('tracing:greenroom:call:start', onStart));
    expect(await supervisor.execute('plugin', { do: 'traceparent' }, { traceparent: GIVEN })).toBe(OTHER);
    expect(await supervisor.execute('plugin', { do: 'traceparent' })).toBe(OTHER);
    expect(seen).toEqual([GIVEN, undefined]);
  });
});

it.each([
  'x',
  '',
  GIVEN.toUpperCase(),
  `${GIVEN}\n`,
  `ff${GIVEN.slice(2)}`,
  `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
  `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`,
  7 as never,
])('a call with the traceparent %j is refused before anything of it is sent', async (traceparent) => {
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' } });
  expect(await failure(supervisor.execute('plugin', {}, { traceparent }))).toMatchObject({
    code: 'E_OPTIONS',
    message: expect.stringMatching(/"traceparent" .*W3C traceparent, for example "00-/),
  });
});
