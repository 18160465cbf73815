import { GreenroomError, messageOf } from '../../errors.ts';

/** What a Redis that cannot be used has said, by how it begins, and what to do. */
const SAID: readonly (readonly [RegExp, string])[] = [
  [/^OOM/, 'is full. Nothing was changed: raise its maxmemory, or remove what is no longer needed.'],
  [/^(WRONGPASS|NOAUTH|ERR (invalid|.*AUTH))/i, 'refuses the name or password. Put the right ones into its URL.'],
  [
    /^NOPERM/,
    'does not permit this to its user. Permit it all commands on the keys of Greenroom and BullMQ (ACL SETUSER).',
  ],
  [/^(MISCONF|READONLY)/, 'refuses to write.'],
  [/^LOADING/, 'is still loading its data. It answers once it has.'],
];

/** What is wrong with a certificate, by the code that Node gives it, and what to do. */
const CERTIFICATES: readonly (readonly [RegExp, string])[] = [
  [
    /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_UNTRUSTED)/,
    'has a certificate that this program does not trust. Name the file with the certificate of its authority in ' +
      'NODE_EXTRA_CA_CERTS where the program is started.',
  ],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'has a certificate for another name. Put a name of the certificate into its URL.'],
  [/^CERT_/, 'has a certificate that is not valid. Give it another one.'],
  [
    /^(EPROTO|ERR_SSL_)/,
    'does not speak TLS with this program. If it has no TLS at this port, its URL begins with redis://.',
  ],
];

/** Why a Redis cannot be used that has said so itself, or in its certificate: asked again it says the same; undefined: it is something else. */
function refusalIn(error: unknown): string | undefined {
  const said = messageOf(error);
  const code = codeOf(error);
  const [, next] = SAID.find(([begin]) => begin.test(said)) ?? CERTIFICATES.find(([begin]) => begin.test(code)) ?? [];
  return next;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Whether a Redis has refused a connection for good, by what it has said when that was made. */
export function isRefusal(error: unknown): boolean {
  return /^(ERR|Protocol error)/i.test(messageOf(error)) || (!isPassing(error) && refusalIn(error) !== undefined);
}

/** A server that has just been started says so, and takes connections a moment later. */
function isPassing(error: unknown): boolean {
  return messageOf(error).startsWith('LOADING');
}

/** Whether Redis has refused to grow. */
export function isFull(error: unknown): boolean {
  return messageOf(error).startsWith('OOM');
}

/** Whether the connection was lost before an answer came. */
export function isLoss(error: unknown): boolean {
  return error instanceof Error && error.name === 'MaxRetriesPerRequestError';
}

/** Whether nothing was sent, as the connection is just being lost. */
export function isUnsent(error: unknown): boolean {
  return messageOf(error).startsWith("Stream isn't writeable");
}

/** Whether an error of a connection says only that there is none any more, and not why. */
export function saysNothing(error: unknown): boolean {
  return isUnsent(error) || isLoss(error) || codeOf(error) === 'ECONNRESET';
}

/** What Redis or its connection has said, as an error of ours with what to do. */
export function redisFault(error: unknown, address: string): Error {
  if (error instanceof GreenroomError) return error;
  if (isLoss(error)) return noAnswer(address, new Error('the connection was lost'));
  const next = refusalIn(error) ?? 'cannot be used.';
  return new GreenroomError('E_JOB_STORE', `The Redis at ${address} ${next} (${messageOf(error)})`, { cause: error });
}

/** Redis does not answer. @param last what its connection has said last, which may be why */
export function noAnswer(address: string, last: unknown): Error {
  if (refusalIn(last) !== undefined) return redisFault(last, address);
  const why = last === undefined ? '' : ` (${messageOf(last)})`;
  return new GreenroomError(
    'E_JOB_STORE',
    `The Redis at ${address} does not answer${why}. Start it, or look at its address and the network; ` +
      'what was asked may have been done all the same.',
    { cause: last },
  );
}
