import { GreenroomError, type RemoteError, type RemoteErrorCategory } from '../errors.ts';
import { shortageIn } from '../system-error.ts';

const CATEGORIES: ReadonlySet<unknown> = new Set<RemoteErrorCategory>(['input', 'transient', 'resource', 'fatal']);

/** The `type` by which the SDKs say that a result cannot be written as JSON. */
const SERIALIZE_ERROR = 'SerializeError';

/**
 * Turns an error on the wire into the one a caller gets: `E_REMOTE` with the plugin's own error as `remote`, or
 * `E_SERIALIZE` where the plugin's result could not be written. What is missing or of the wrong type is filled in.
 */
export function remoteError(plugin: string, wire: unknown): GreenroomError {
  const fields: Record<string, unknown> =
    typeof wire === 'object' && wire !== null ? (wire as Record<string, unknown>) : { message: String(wire) };
  const text = (key: string): string | undefined => (typeof fields[key] === 'string' ? fields[key] : undefined);
  const { category } = fields;
  const remote: RemoteError = {
    type: text('type') ?? 'Error',
    message: text('message') ?? '',
    category: CATEGORIES.has(category) ? (category as RemoteErrorCategory) : 'fatal',
    retryable: fields['retryable'] === true,
    details: fields['details'],
    stack: text('stack'),
  };
  const code = remote.type === SERIALIZE_ERROR ? 'E_SERIALIZE' : 'E_REMOTE';
  return new GreenroomError(code, `"${plugin}" raised ${remote.type}: ${remote.message}`, { plugin, remote });
}

/** A worker sent what the protocol does not allow. */
export function protocolError(plugin: string, what: string, cause?: unknown): GreenroomError {
  return new GreenroomError('E_PROTOCOL', `The worker of "${plugin}" ${what}. See logs("${plugin}").`, {
    plugin,
    cause,
  });
}

/** The connection to a worker broke, or could not be made. */
export function brokenError(plugin: string, cause?: unknown): GreenroomError {
  const isConnect = cause instanceof Error && 'syscall' in cause && cause.syscall === 'connect';
  const shortage = isConnect ? shortageIn(cause) : undefined;
  const message =
    shortage === undefined
      ? `The connection to the worker of "${plugin}" broke.`
      : `Cannot connect to the worker of "${plugin}": ${shortage}.`;
  return new GreenroomError('E_CRASHED', message, { plugin, cause });
}
