import type { ErrorCode } from '../errors.ts';

/** The exit statuses of the command line, and what each says. A signal's is 128 and its number. */
export const EXIT_STATUSES = {
  0: 'done',
  1: 'the plugin raised an error, or something is broken',
  2: 'the command line is not valid',
  3: 'there is no such plugin',
  4: 'a manifest, a config, the settings or the input is not valid',
  5: 'the worker could not be started, or the data directory or the store of jobs cannot be used',
  6: 'the worker crashed, hung, broke the protocol or was given up, or the daemon does not answer',
  7: 'the call was refused: no capacity, a full queue, not supported, or stopping',
  8: 'the call did not finish within its timeout',
  130: 'cancelled by Ctrl-C (143 by SIGTERM, 129 by SIGHUP)',
} as const;

/** One of {@link EXIT_STATUSES}. */
export type ExitStatus = keyof typeof EXIT_STATUSES;

/** The exit status for each kind of failure. */
export const STATUS_OF_CODE: Readonly<Record<ErrorCode, ExitStatus>> = {
  E_REMOTE: 1,
  E_SERIALIZE: 1,
  E_UNKNOWN_PLUGIN: 3,
  E_MANIFEST: 4,
  E_OPTIONS: 4,
  E_CONFIG: 4,
  E_INPUT: 4,
  E_JOB: 4,
  E_START: 5,
  E_START_TIMEOUT: 5,
  E_HANDSHAKE: 5,
  E_DATA_DIR: 5,
  E_JOB_STORE: 5,
  E_CRASHED: 6,
  E_INTERRUPTED: 6,
  E_HUNG: 6,
  E_MEMORY: 6,
  E_GIVEN_UP: 6,
  E_PROTOCOL: 6,
  E_DAEMON: 6,
  E_REFUSED: 7,
  E_QUEUE_FULL: 7,
  E_DISABLED: 7,
  E_NOT_LOADED: 7,
  E_UNSUPPORTED: 7,
  E_STOPPING: 7,
  E_TIMEOUT: 8,
  E_CANCELLED: 130,
};
