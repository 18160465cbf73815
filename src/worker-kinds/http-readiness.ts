import { setTimeout as delay } from 'node:timers/promises';
import { askListening, askStatus } from '../channel/http-probe.ts';
import { GreenroomError, messageOf } from '../errors.ts';
import { portOwner } from '../orphans/port-owner.ts';
import type { HttpStart } from '../process/http-start.ts';
import type { WorkerProcess } from '../process/worker-process.ts';
import { systemCodeOf } from '../system-error.ts';
import type { KindFields } from './kind.ts';

/** Where most servers say that they are ready, and how. */
const DEFAULT_PATH = '/health';
const DEFAULT_STATUS = 200;

/** How long after a try the next one begins, in milliseconds. */
const RETRY_MS = 20;

/**
 * How long a server may take to end whose port another program has taken, in milliseconds: it most often ends by itself,
 * and is started again with another port.
 */
const STRANGER_GRACE_MS = 2_000;

/** A server that is being started. */
export interface StartingServer {
  readonly plugin: string;
  readonly worker: WorkerProcess;
  readonly start: HttpStart;
  /** What its manifest says of when it is ready. */
  readonly ready: KindFields['ready'];
}

/**
 * Tries the server until it is ready, and makes sure that it is the worker that listens on its port. Where the process
 * ends before, its exit tells of it: this then waits for the signal. Rejects with `E_HANDSHAKE` where another program
 * listens there, and with the signal's reason.
 */
export async function untilReady(server: StartingServer, signal: AbortSignal): Promise<void> {
  const { worker, start } = server;
  const ended = new AbortController();
  worker.onExit(() => ended.abort());
  const either = AbortSignal.any([signal, ended.signal]);
  try {
    while (!(await isReady(server, either))) await delay(RETRY_MS, undefined, { signal: either, ref: false });
    await checkPortOwner(server, either);
  } catch (error) {
    if (!either.aborted) throw error;
    await aborted(signal);
  }
  start.waitsFor = undefined;
}

/** One try; notes what it came to. */
async function isReady({ start, ready = {} }: StartingServer, signal: AbortSignal): Promise<boolean> {
  if (ready === 'port') {
    const fault = await faultOf(askListening(start.address, signal), signal);
    start.waitsFor = `waiting for ${start.address} to listen (${fault ?? 'it does'})`;
    return fault === undefined;
  }
  const { path = DEFAULT_PATH, status = DEFAULT_STATUS } = ready;
  let answer: number | undefined;
  const asking = askStatus(start.address, path, signal, start.headers()).then((answered) => {
    answer = answered;
  });
  const fault = (await faultOf(asking, signal)) ?? `it answers ${answer}`;
  start.waitsFor = `waiting for GET ${path} at ${start.address} to answer ${status} (${fault})`;
  return answer === status;
}

/** Why a try failed, in few words; undefined where it did not. Rejects once the signal is aborted. */
async function faultOf(asking: Promise<void>, signal: AbortSignal): Promise<string | undefined> {
  try {
    await asking;
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (systemCodeOf(error) === 'ECONNREFUSED' || systemCodeOf(error) === 'ENOENT') return 'nothing listens there';
    return error instanceof DOMException ? 'it does not answer within 1 s' : messageOf(error);
  }
}

async function checkPortOwner(server: StartingServer, signal: AbortSignal): Promise<void> {
  const { plugin, worker, start, ready } = server;
  const { port } = start;
  const isAsked = typeof ready !== 'object' || ready.owner !== false;
  if (port === undefined || worker.pid === undefined || !isAsked) return;
  let found = await portOwner(port, worker.pid);
  if (found.owner === 'stranger') {
    await delay(STRANGER_GRACE_MS, undefined, { signal, ref: false });
    found = await portOwner(port, worker.pid);
  }
  signal.throwIfAborted();
  if (found.owner === 'worker') return;
  if (found.owner === 'unknown') {
    start.note(`unverified: whether the worker is what listens on port ${port} cannot be seen: ${found.reason}`);
    return;
  }
  const by = found.pid === undefined ? 'Another process' : `Another process (pid ${found.pid})`;
  throw new GreenroomError(
    'E_HANDSHAKE',
    `${by} listens on port ${port}, which the worker of "${plugin}" was given. Have the worker listen on {port} in its args or on the variable PORT; if it runs in a container, set "ready": { "owner": false } in its manifest.`,
    { plugin },
  );
}

/** Rejects with the signal's reason, once it is aborted. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    else signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
