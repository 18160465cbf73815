import { constants } from 'node:os';
import { messageOf } from '../errors.ts';
import type { SupervisorLog } from '../logs/supervisor-log.ts';

/** What a daemon does about the signals of its system. */
export interface TerminationParts {
  /** Reads the settings file and the manifests again. A failure is logged, and the daemon goes on as it was. */
  readonly reload: () => Promise<void>;
  /** Ends everything at once, this process last, with this exit status. */
  readonly kill: (status: number) => void;
  readonly log: Pick<SupervisorLog, 'info' | 'warn'>;
}

/** The signals of a daemon, taken over from the system. */
export interface Termination {
  /** Aborted by the first SIGTERM or SIGINT, with the signal's name as the reason: drain, then end. */
  readonly signal: AbortSignal;
  /** Gives the signals back to the system. */
  release(): void;
}

/** On Windows SIGHUP says that the console is closing, and the process has some seconds to end. */
const ENDING: readonly NodeJS.Signals[] =
  process.platform === 'win32' ? ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK'] : ['SIGINT', 'SIGTERM'];

/**
 * Takes the signals over: the first SIGTERM or SIGINT begins the drain, the second ends at once; SIGHUP reloads. One
 * reload runs at a time, and any number of SIGHUP meanwhile cause one more. A drain allows no further reload.
 */
export function takeTermination({ reload, kill, log }: TerminationParts): Termination {
  const end = new AbortController();
  const onEnd = (name: NodeJS.Signals): void => {
    if (end.signal.aborted) return kill(128 + constants.signals[name]);
    log.info(`${name}: draining. Another signal ends everything at once.`);
    end.abort(name);
  };

  let reloads: 'idle' | 'running' | 'again' = 'idle';
  const onHangup = async (): Promise<void> => {
    if (reloads !== 'idle') {
      reloads = 'again';
      return;
    }
    do {
      if (end.signal.aborted) break;
      reloads = 'running';
      log.info('SIGHUP: reading settings and manifests again.');
      try {
        await reload();
      } catch (error) {
        log.warn(`The reload failed, and everything stays as it was: ${messageOf(error)}`);
      }
    } while (isAgain());
    reloads = 'idle';
  };
  const isAgain = (): boolean => reloads === 'again';
  const onSighup = (): void => void onHangup();

  for (const name of ENDING) process.on(name, onEnd);
  if (!ENDING.includes('SIGHUP')) process.on('SIGHUP', onSighup);
  if (process.pid === 1) log.warn(FIRST_PROCESS);
  return {
    signal: end.signal,
    release() {
      for (const name of ENDING) process.off(name, onEnd);
      process.off('SIGHUP', onSighup);
    },
  };
}

/** Node waits for its own children alone (`waitpid` of each), so that those of ended workers stay as zombies. */
const FIRST_PROCESS =
  'This is process 1 of its container, and Node does not collect ended processes that it did not start: each keeps a process number until the container ends. Start the container with an init process: docker run --init.';
