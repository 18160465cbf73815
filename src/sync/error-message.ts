import { GreenroomError, type RemoteError } from '../errors.ts';
import { receivedValue, type SentValue, sentValue } from './sent-value.ts';

/** An error on its way between threads: a clone would lose its class and its fields. */
export interface ErrorMessage {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Own fields, such as `code` and `syscall` of a system error. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly cause: CauseMessage | undefined;
  /** What only a GreenroomError has. */
  readonly greenroom: (Pick<GreenroomError, 'code' | 'plugin' | 'details'> & { readonly remote: Remote }) | undefined;
}

/** A plugin's own error. A clone of its details would have no Buffers. */
type Remote = (Omit<RemoteError, 'details'> & { readonly details?: SentValue }) | undefined;

/** What lies under an error: another one, or any value. */
export type CauseMessage = { readonly error: ErrorMessage } | { readonly value: unknown };

/** How many causes are told, as errors may be their own cause. */
const MAX_CAUSES = 8;

/** Describes whatever was thrown, so that another thread can throw the same. */
export function describeError(thrown: unknown, causes = MAX_CAUSES): ErrorMessage {
  if (!(thrown instanceof Error)) return describeError(new Error(String(thrown), { cause: thrown }));
  const { name, message, stack } = thrown;
  const cause = thrown.cause === undefined || causes === 0 ? undefined : describeCause(thrown.cause, causes - 1);
  if (thrown instanceof GreenroomError) {
    const { code, plugin, remote, details } = thrown;
    const greenroom = { code, plugin, remote: sentRemote(remote), details: clonable(details) as typeof details };
    return { name, message, stack, fields: {}, cause, greenroom };
  }
  const fields = Object.fromEntries(
    Object.entries(thrown)
      .filter(([field]) => field !== 'cause' && field !== 'name')
      .map(([field, value]) => [field, clonable(value)]),
  );
  return { name, message, stack, fields, cause, greenroom: undefined };
}

/** Makes the error again: a GreenroomError where it was one. Other errors keep their name and their stack. */
export function rebuildError({ name, message, stack, fields, cause, greenroom }: ErrorMessage): Error {
  const rebuilt = cause === undefined ? undefined : rebuildCause(cause);
  if (greenroom !== undefined) {
    const { code, remote, ...rest } = greenroom;
    return new GreenroomError(code, message, { ...rest, remote: receivedRemote(remote), cause: rebuilt });
  }
  const error = new Error(message, rebuilt === undefined ? undefined : { cause: rebuilt });
  Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
  if (stack !== undefined) error.stack = stack;
  return Object.assign(error, fields);
}

/** What lies under an error, or any other value that may be an error. */
export function describeCause(cause: unknown, causes = MAX_CAUSES): CauseMessage {
  return cause instanceof Error ? { error: describeError(cause, causes) } : { value: clonable(cause) };
}

export function rebuildCause(cause: CauseMessage): unknown {
  return 'error' in cause ? rebuildError(cause.error) : cause.value;
}

function sentRemote(remote: RemoteError | undefined): Remote {
  if (remote === undefined) return undefined;
  const { details, ...rest } = remote;
  return details === undefined ? rest : { ...rest, details: sentValue(details) };
}

function receivedRemote(remote: Remote): RemoteError | undefined {
  if (remote?.details === undefined) return remote;
  return { ...remote, details: receivedValue(remote.details) };
}

/** The value, or its text where it cannot be given to another thread. */
function clonable(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return String(value);
  }
}
