import { expect, test } from 'vitest';
import { Call } from '../../src/calls/call.ts';
import type { CallSite } from '../../src/calls/call-site.ts';
import { connectionFault } from '../../src/calls/connection-fault.ts';
import type { GateEvent } from '../../src/calls/gate-event.ts';
import { LeaseGate } from '../../src/calls/lease-gate.ts';
import { encodeInput } from '../../src/channel/encoded-input.ts';
import { brokenError } from '../../src/channel/remote-error.ts';
import type { CallSink, WorkerChannel } from '../../src/channel/worker-channel.ts';
import { SimulatedClock } from '../simulation/clock.mjs';

const failed = (code: string, syscall: string): Error =>
  Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
const broken = (code: string, syscall = 'connect') => brokenError('p', failed(code, syscall));

test.each([
  ['EMFILE', 'connect', 'shortage'],
  ['EAGAIN', 'connect', 'shortage'],
  ['ENOBUFS', 'connect', 'shortage'],
  ['ECONNREFUSED', 'connect', 'unreachable'],
  ['ENOENT', 'connect', 'unreachable'],
  ['ECONNRESET', 'read', 'broken'],
  ['EPIPE', 'write', 'broken'],
] as const)('%s at %s is: %s', (code, syscall, fault) => {
  expect(connectionFault(broken(code, syscall))).toBe(fault);
});

/** A call at a worker that cannot be asked whether it is alive: its sinks, what became of it, what the gate told. */
function callAtWorker() {
  const events: GateEvent[] = [];
  const gate = new LeaseGate('p', (event) => events.push(event));
  const clock = new SimulatedClock();
  const sinks: CallSink[] = [];
  const channel: WorkerChannel = {
    execute: (_call, sink) => {
      sinks.push(sink);
      return { pause: () => {}, resume: () => {} };
    },
    close: () => {},
  };
  gate.open({ generation: 1, channel, concurrency: 1, leases: new Set() });
  const site = {
    plugin: 'p',
    gate,
    encode: (input) => encodeInput('p', input),
    clock,
    patience: clock,
    hasInstances: () => false,
    idempotent: () => false,
    cancelGraceMs: () => 1_000,
    streamIdleMs: Infinity,
    integers: 'bigint',
    warn: () => {},
    onListenerError: () => {},
    supervisor: {},
    saving: new Set<Call>(),
    tools: {
      refuseUnknown: () => {},
      refuseDenied: () => {},
      checkedInput: (_tool, input) => input,
      resultCheck: () => undefined,
      isIdempotent: () => undefined,
      runsAsTask: () => false,
      learn: () => {},
    },
  } satisfies CallSite;
  const results: unknown[] = [];
  const outcome = {
    onChunk: () => {},
    onResult: (result: unknown) => results.push(result),
    onError: (error: unknown) => results.push(error),
  };
  new Call(site, 'execute', 'c', { args: '[]', kwargs: '{}', bytes: [] }, {}, outcome).begin();
  return { clock, sinks, results, events };
}

test('a call whose worker could not be connected to for want of descriptors fails typed, and the worker stays', () => {
  const { clock, sinks, results, events } = callAtWorker();
  sinks[0]?.onError(broken('EMFILE'));
  clock.pass(1_000);
  expect(results).toEqual([
    expect.objectContaining({
      code: 'E_CRASHED',
      message: expect.stringContaining('Cannot connect to the worker of "p": this program has no file descriptor left'),
    }),
  ]);
  expect(events.map(({ type }) => type)).not.toContain('UNREACHABLE');
});

test('a call whose connection broke fails, and a worker that cannot be asked is taken to be alive', async () => {
  const { clock, sinks, results, events } = callAtWorker();
  sinks[0]?.onError(broken('ECONNRESET', 'read'));
  await clock.advance(1_000);
  expect(results).toMatchObject([{ code: 'E_CRASHED' }]);
  expect(events.map(({ type }) => type)).not.toContain('UNREACHABLE');
});
