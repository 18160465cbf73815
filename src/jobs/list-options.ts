import { checkOptions, type OptionKind, wrongArgument } from '../argument-checks.ts';
import type { GreenroomError } from '../errors.ts';
import { JOB_STATES } from './job.ts';
import { isJobId } from './job-id.ts';
import type { JobFilter } from './job-store.ts';

/** Which jobs `list` gives. */
export interface ListOptions extends JobFilter {
  /** At most 1,000; 100 by default. */
  readonly limit?: number | undefined;
  /** The `next` of the page before. */
  readonly cursor?: string | undefined;
}

const MAX_LIST = 1_000;

const KINDS: Readonly<Record<keyof ListOptions, OptionKind>> = {
  plugin: { expected: 'the name of a plugin', fits: (value) => typeof value === 'string' },
  state: { expected: `one of ${JOB_STATES.join(', ')}`, fits: (value) => JOB_STATES.some((state) => state === value) },
  prefix: {
    expected: 'the beginning of the identifier of a job',
    fits: (value) => typeof value === 'string' && /^[0-9a-f-]{1,36}$/.test(value),
  },
  limit: {
    expected: `a whole number from 1 to ${MAX_LIST}`,
    fits: (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_LIST,
  },
  cursor: {
    expected: 'the next of the page before',
    fits: (value) => typeof value === 'string' && (isNumberCursor(value) || isJobId(value)),
  },
};

/** Whether a text can be a cursor of a store that counts its jobs. Those of one that does not are identifiers of jobs. */
export function isNumberCursor(cursor: string): boolean {
  return /^-?\d{1,16}$/.test(cursor);
}

/** A cursor that is that of another store. */
export function foreignCursor(cursor: string): GreenroomError {
  return wrongArgument('The option "cursor" of list()', KINDS.cursor.expected, cursor);
}

/** Throws `E_OPTIONS` where the options of `list` are not valid. */
export function checkListOptions(options: ListOptions): void {
  checkOptions('list()', options, KINDS);
}
