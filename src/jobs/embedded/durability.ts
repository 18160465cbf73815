import type { BegunAttempt } from '../job-store.ts';
import type { StoreRequest } from './messages.ts';

/** What must outlast a loss of power, whatever it is about. */
const ALWAYS: ReadonlySet<StoreRequest['method']> = new Set([
  'add',
  'settle',
  'requestCancel',
  'retry',
  'pause',
  'resume',
  'moved',
]);

/** What only reads. */
const READING: ReadonlySet<StoreRequest['method']> = new Set([
  'get',
  'list',
  'values',
  'paused',
  'counts',
  'openInOrder',
  'toMove',
]);

/** Whether the disk must have what a request does before it is answered. Everything else outlasts the end of the program. */
export function mustOutlastPower({ method, args: [about] }: StoreRequest): boolean {
  // A job that may run only once and has begun must not look afterwards as if it had not.
  return ALWAYS.has(method) || (method === 'begin' && (about as readonly BegunAttempt[]).some(({ once }) => once));
}

/** Whether requests of this method change anything. */
export function writes(method: StoreRequest['method']): boolean {
  return !READING.has(method);
}
