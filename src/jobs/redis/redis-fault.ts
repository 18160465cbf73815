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

/** What Redis or its connection has said, as an error of ours with what to do. */
export function redisFault(error: unknown, address: string): Error {
  if (error instanceof GreenroomError) return error;
  if (isLoss(error)) return noAnswer(address, new Error('the connection was lost'));
  const said = messageOf(error);
  const [, next = 'cannot be used.'] = SAID.find(([begin]) => begin.test(said)) ?? [];
  return new GreenroomError('E_JOB_STORE', `The Redis at ${address} ${next} (${said})`, { cause: error });
}

/** Redis does not answer. */
export function noAnswer(address: string, last: unknown): GreenroomError {
  const why = last === undefined ? '' : ` (${messageOf(last)})`;
  return new GreenroomError(
    'E_JOB_STORE',
    `The Redis at ${address} does not answer${why}. Start it, or look at its address and the network; ` +
      'what was asked may have been done all the same.',
    { cause: last },
  );
}
