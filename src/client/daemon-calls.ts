import { buffer } from 'node:stream/consumers';
import { unpackValue } from '../api/packed-value.ts';
import { type CallOptions, checkCallOptions, type Progress, type StreamOptions } from '../calls/call-options.ts';
import { GreenroomError, messageOf } from '../errors.ts';
import { callListener } from '../events/listeners.ts';
import type { Integers } from '../json/read-json.ts';
import { CallEnd } from './call-end.ts';
import { callRequest } from './call-request.ts';
import type { Answer, DaemonConnection } from './daemon-connection.ts';
import { errorOfProblem } from './problem-error.ts';
import { readEvents } from './server-events.ts';

/** Calls a plugin at a daemon, as `execute` of a supervisor does. */
export async function executeAt(
  connection: DaemonConnection,
  plugin: string,
  input: unknown,
  options: CallOptions,
): Promise<unknown> {
  checkCallOptions(plugin, options);
  const { onProgress, integers } = options;
  const request = callRequest(plugin, input, options, false);
  const end = new CallEnd(plugin, options);
  try {
    const answer = await connection.send({ ...request, ...end.asRequest });
    if (onProgress === undefined) return unpacked(await bytesOf(answer), plugin, integers);
    let packed: Buffer | undefined;
    // To the end, after which the connection can be used again.
    for await (const item of outcome(answer, plugin, onProgress)) packed = item.packed;
    return unpacked(packed ?? Buffer.alloc(0), plugin, integers);
  } finally {
    end.clear();
  }
}

/** Streams a call at a daemon, as `stream` of a supervisor does: it starts with the first `next()`. */
export function streamAt(
  connection: DaemonConnection,
  plugin: string,
  input: unknown,
  options: StreamOptions,
): AsyncIterableIterator<unknown> & AsyncDisposable {
  const left = new AbortController();
  const chunks = chunksOf(connection, plugin, input, options, left.signal);
  const leave = (): Promise<IteratorResult<unknown>> => {
    // A generator that waits for a chunk would leave after it alone.
    left.abort(new Error('The reader has left the stream.'));
    return chunks.return();
  };
  return {
    next: () => chunks.next(),
    return: leave,
    async throw(error: unknown) {
      await leave();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      await leave();
    },
  };
}

async function* chunksOf(
  connection: DaemonConnection,
  plugin: string,
  input: unknown,
  options: StreamOptions,
  left: AbortSignal,
): AsyncGenerator<unknown, void, undefined> {
  checkCallOptions(plugin, options);
  const { onProgress, integers } = options;
  const request = callRequest(plugin, input, options, true);
  const end = new CallEnd(plugin, options, left);
  try {
    const answer = await connection.send({ ...request, ...end.asRequest });
    for await (const { isLast, packed } of outcome(answer, plugin, onProgress)) {
      // Read to the end, the connection can be used again.
      if (!isLast) yield unpacked(packed, plugin, integers);
    }
  } finally {
    end.leave();
  }
}

/** A chunk, or what comes last: the result. */
interface Item {
  readonly isLast: boolean;
  readonly packed: Buffer;
}

/** What an answer in events says, of which progress goes to its listener. Throws the error that it ends with. */
async function* outcome(
  answer: Answer,
  plugin: string,
  onProgress: ((progress: Progress) => void) | undefined,
): AsyncGenerator<Item, void, undefined> {
  const { response, why } = answer;
  let isWhole = false;
  response.setEncoding('utf8');
  try {
    for await (const { event, data } of readEvents(response as AsyncIterable<string>)) {
      if (event === 'progress' && onProgress !== undefined) {
        const { progress, message } = JSON.parse(data) as Progress;
        callListener(onProgress, { progress, message }, warnOf);
      } else if (event === 'chunk' || event === 'result') {
        isWhole = event === 'result';
        yield { isLast: isWhole, packed: Buffer.from(data, 'base64') };
      } else if (event === 'error') {
        throw errorOfProblem(data, response.statusCode ?? 0);
      }
    }
  } catch (error) {
    throw error instanceof GreenroomError ? error : why(error);
  }
  if (!isWhole) throw why(unfinished(plugin));
}

async function bytesOf({ response, why }: Answer): Promise<Buffer> {
  try {
    return await buffer(response);
  } catch (error) {
    throw why(error);
  }
}

function unpacked(packed: Buffer, plugin: string, integers: Integers | undefined): unknown {
  try {
    return unpackValue(packed, integers);
  } catch (error) {
    throw new GreenroomError(
      'E_DAEMON',
      `The daemon's answer to a call of "${plugin}" cannot be read: ${messageOf(error)}.`,
      {
        plugin,
        cause: error,
      },
    );
  }
}

function unfinished(plugin: string): GreenroomError {
  return new GreenroomError('E_DAEMON', `The daemon's answer to a call of "${plugin}" ended before its result.`, {
    plugin,
  });
}

/** Warns of what a listener of the program has thrown, which changes nothing else. */
export function warnOf(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
