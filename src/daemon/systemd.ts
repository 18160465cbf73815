import { once } from 'node:events';
import { messageOf } from '../errors.ts';
import type { SupervisorLog } from '../logs/supervisor-log.ts';
import { startProcess } from '../process/start-process.ts';
import { systemCodeOf } from '../system-error.ts';
import type { Clock } from '../time/clock.ts';

/** Tells systemd how the daemon is; each call resolves when systemd has it, or it is known that it cannot. Never rejects. */
export interface Systemd {
  /** The daemon takes requests: at the start, and after a reload. Begins the beat of the watchdog. */
  ready(): Promise<void>;
  /** The daemon reads its settings again; {@link ready} ends this. */
  reloading(): Promise<void>;
  /**
   * The daemon drains. It takes no requests from now on, so that its beats ask no more whether it does; how long a drain
   * may last, `TimeoutStopSec` of the unit says.
   */
  stopping(): Promise<void>;
  /** One line that `systemctl status` shows. */
  status(text: string): Promise<void>;
  /** Ends the beat, and waits until what was told has been sent. */
  close(): Promise<void>;
}

/** What a connection to systemd is made of. */
export interface SystemdParts {
  /** The environment of this process: `NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`, `PATH`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether work is done, found by the way that work takes. The signal is aborted when the next beat is due. */
  readonly isReady: (signal: AbortSignal) => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Pick<SupervisorLog, 'warn'>;
}

/** A systemd that does not take a message within this time, in milliseconds, does not get it. Its client waits 5 s. */
const SEND_MS = 10_000;

/**
 * The service manager that started this process; one that does nothing where none did. Node has no datagram sockets of
 * the Unix kind, so each message is sent by `systemd-notify`, a process of a few milliseconds. It waits until systemd
 * has taken the message, as systemd could not tell otherwise from whom it came. Where the program is missing, one
 * warning says so.
 */
export function connectSystemd({ env, isReady, clock, log }: SystemdParts): Systemd {
  const notifySocket = env['NOTIFY_SOCKET'];
  const nothing = async (): Promise<void> => {};
  if (notifySocket === undefined || notifySocket === '')
    return { ready: nothing, reloading: nothing, stopping: nothing, status: nothing, close: nothing };

  const intervalMs = watchdogMs(env);
  let isFailing = false;
  let isMissing = false;
  let isStopping = false;
  let isClosed = false;
  let attempt: AbortController | undefined;
  let timer: unknown;
  let last = Promise.resolve();

  const send = (...assignments: readonly string[]): Promise<void> => {
    // One after the other, as systemd is to read them in this order.
    last = last.then(async () => {
      if (isMissing) return;
      try {
        await notify(assignments, { NOTIFY_SOCKET: notifySocket, PATH: env['PATH'] ?? '' }, clock);
        isFailing = false;
      } catch (error) {
        isMissing = systemCodeOf(error) === 'ENOENT';
        if (!isFailing) log.warn(isMissing ? MISSING : `systemd-notify failed: ${messageOf(error)}.`);
        isFailing = true;
      }
    });
    return last;
  };

  const beat = (): void => {
    // An answer that has not come by now counts as "no"; a later question may have one.
    attempt?.abort();
    if (intervalMs === undefined) return;
    const next = (attempt = new AbortController());
    timer = clock.setTimeout(beat, intervalMs / 2);
    void (isStopping ? Promise.resolve(true) : isReady(next.signal))
      .catch(() => false)
      .then((isWorking) => (isWorking && !next.signal.aborted ? send('WATCHDOG=1') : undefined));
  };

  return {
    async ready() {
      await send('READY=1');
      if (attempt === undefined && !isClosed) beat();
    },
    // `Type=notify-reload` compares the time with that of its signal: CLOCK_MONOTONIC, in microseconds.
    reloading: () => send('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`),
    stopping: () => {
      isStopping = true;
      return send('STOPPING=1');
    },
    status: (text) => send(`STATUS=${text.replaceAll(/\s+/g, ' ').trim()}`),
    close() {
      isClosed = true;
      clock.clearTimeout(timer);
      attempt?.abort();
      return last;
    },
  };
}

const MISSING =
  'systemd waits for a message of this service, and the program systemd-notify, which sends it, was not found. Install it, or write Type=exec and no WatchdogSec in the unit.';

/** Within which time systemd wants a beat of this process, in milliseconds; undefined where it wants none. */
function watchdogMs(env: SystemdParts['env']): number | undefined {
  const { WATCHDOG_USEC: time = '', WATCHDOG_PID: pid = String(process.pid) } = env;
  const isOurs = pid === String(process.pid);
  return isOurs && /^[1-9]\d*$/.test(time) ? Number(time) / 1000 : undefined;
}

/** Rejects where the program cannot be started, or did not deliver. */
async function notify(assignments: readonly string[], env: Record<string, string>, clock: Clock): Promise<void> {
  const { child } = await startProcess('systemd-notify', assignments, { cwd: '/', env });
  const late = clock.setTimeout(() => child.kill('SIGKILL'), SEND_MS);
  child.stdin?.end();
  child.stdout?.resume();
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  try {
    const [status, signal] = (await once(child, 'close')) as [number | null, string | null];
    if (status !== 0) throw new Error(said.trim() || `it ended with ${signal ?? `status ${status}`}`);
  } finally {
    clock.clearTimeout(late);
  }
}
