import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Progress } from '../../calls/call-options.ts';
import { GreenroomError, messageOf } from '../../errors.ts';
import { SECURITY_HEADERS } from '../../server/answer.ts';
import type { Recorder } from '../record/recorder.ts';
import type { PageCallLine, PageCallRequest } from '../wire-calls.ts';

/** The longest body of a call, in bytes: what is longer belongs into a program. */
export const MAX_CALL_BODY = 2 ** 20;
/** How much is shown of a result, or of a chunk, in characters of JSON. */
const MAX_RESULT = 262_144;

/** What calls plugins: the supervisor. */
export interface Callable {
  execute(
    name: string,
    input: unknown,
    options: { tool?: string | undefined; signal: AbortSignal; onProgress: (progress: Progress) => void },
  ): Promise<unknown>;
  stream(
    name: string,
    input: unknown,
    options: { tool?: string | undefined; signal: AbortSignal; onProgress: (progress: Progress) => void },
  ): AsyncIterable<unknown>;
}

/** Reads the body of `POST /api/call`; undefined where it is none. */
export function readPageCall(body: string): PageCallRequest | undefined {
  let given: unknown;
  try {
    given = JSON.parse(body);
  } catch {
    return undefined;
  }
  const { plugin, tool, input, stream } = (given ?? {}) as Partial<Record<keyof PageCallRequest, unknown>>;
  if (typeof plugin !== 'string' || (tool !== undefined && typeof tool !== 'string')) return undefined;
  return { plugin, tool, input: input as PageCallRequest['input'], stream: stream === true };
}

/**
 * Calls a plugin for the page and answers with {@link PageCallLine | lines} as they come; a page that does not read them
 * slows a stream down, and one that leaves cancels the call. Resolves to how it went: undefined where it went well.
 */
export async function answerPageCall(
  callable: Callable,
  recorder: Recorder,
  { plugin, tool, input, stream }: PageCallRequest,
  response: ServerResponse,
): Promise<string | undefined> {
  const { signal, leave } = leaving(response);
  response.writeHead(200, { ...SECURITY_HEADERS, 'content-type': 'application/x-ndjson; charset=utf-8' });
  response.flushHeaders();
  const began = performance.now();
  const tookMs = (): number => Math.round((performance.now() - began) * 10) / 10;
  const write = (line: PageCallLine): boolean => response.write(`${JSON.stringify(line)}\n`);
  const onProgress = ({ progress, message }: Progress): void => {
    // Of a page that does not keep up, only what comes last matters.
    if (!response.writableNeedDrain) write({ type: 'progress', progress, message: message && recorder.text(message) });
  };
  const options = { tool, signal, onProgress };
  try {
    let value: unknown = null;
    if (stream === true) {
      for await (const chunk of callable.stream(plugin, input, options)) {
        const isFull = !write({ type: 'chunk', value: recorder.value(chunk, [], MAX_RESULT) });
        if (isFull) await once(response, 'drain', { signal });
      }
    } else value = await callable.execute(plugin, input, options);
    write({ type: 'result', value: recorder.value(value, [], MAX_RESULT), tookMs: tookMs() });
    return undefined;
  } catch (error) {
    const { code = 'E_INTERNAL', remote } = error instanceof GreenroomError ? error : {};
    const message = recorder.text(messageOf(error));
    const stack = remote?.stack && recorder.text(remote.stack);
    write({
      type: 'error',
      code,
      message,
      errorType: remote?.type && recorder.text(remote.type),
      stack,
      tookMs: tookMs(),
    });
    return message;
  } finally {
    leave();
    response.end();
  }
}

/** Aborted when the page leaves before it has its answer. */
function leaving(response: ServerResponse): { readonly signal: AbortSignal; leave(): void } {
  const controller = new AbortController();
  const onClose = (): void => controller.abort(new Error('The call was cancelled in the inspector.'));
  response.once('close', onClose);
  return { signal: controller.signal, leave: () => void response.off('close', onClose) };
}
