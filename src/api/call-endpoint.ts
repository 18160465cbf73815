import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { CallOptions, Progress, StreamOptions } from '../calls/call-options.ts';
import { isTraceparent } from '../calls/traceparent.ts';
import { printedJson } from '../json/printed-json.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import { give } from '../server/answer.ts';
import { EventStream } from '../server/event-stream.ts';
import type { Exchange } from '../server/route.ts';
import { DEFAULT_TOOL } from '../tools/tool-name.ts';
import { bodyValue } from './body-value.ts';
import { checkedQuery, type Endpoint, endpoint, goneSignal } from './endpoint.ts';
import { readMultipart } from './multipart.ts';
import { PACKED_VALUE, packValue } from './packed-value.ts';
import { problemOf } from './problem.ts';
import { ProgressEvents } from './progress-events.ts';
import { flag, numeral } from './schemas.ts';

const EVENT_STREAM = 'text/event-stream';

const options = z.strictObject({
  stream: flag.optional().describe('Streams what the tool yields, as events; default false.'),
  timeoutMs: numeral.optional().describe('Cancels the call after this time, waiting and start included.'),
  priority: numeral.optional().describe('Calls of a higher one go first.'),
  streamIdleMs: z
    .union([numeral, z.literal('Infinity').transform(Number)])
    .optional()
    .describe('How long a stream may be left unread; Infinity for no limit.'),
  idempotent: flag.optional().describe('Whether it may be sent again when its worker dies.'),
  validate: z.enum(['true', 'false', 'both']).optional().describe('What is checked against the schemas of the tool.'),
});

/** The endpoint that calls a tool of a plugin. */
export function callEndpoint(supervisor: Supervisor): Endpoint {
  return endpoint(
    {
      method: 'POST',
      path: '/plugins/:name/tools/:tool',
      summary:
        'Calls a tool, `execute` where the plugin names none, with the body as its input. Closing the connection cancels it.',
      query: options,
      body: z.unknown(),
      answer: z.unknown(),
      also: {
        'multipart/form-data': 'The input with bytes: each file is a field of it, other parts are JSON or text.',
        [EVENT_STREAM]: 'Events `progress`, `chunk`, then `result` or `error`.',
        [PACKED_VALUE]: 'The value with integers of any size and bytes, for the clients of this package.',
      },
    },
    (exchange) => call(supervisor, exchange),
  );
}

async function call(supervisor: Supervisor, exchange: Exchange): Promise<void> {
  const { request, response, params } = exchange;
  const { name = '', tool = '' } = params;
  const { stream, validate, streamIdleMs, ...query } = checkedQuery(options, exchange.query);
  // One that is not valid begins a trace of its own, as W3C Trace Context has it.
  const { traceparent } = request.headers;
  const given: CallOptions = {
    ...query,
    ...(validate !== undefined && { validate: validate === 'both' ? validate : validate === 'true' }),
    ...(tool !== DEFAULT_TOOL && { tool }),
    ...(isTraceparent(traceparent) && { traceparent }),
    signal: goneSignal(response),
  };
  // Nothing is read for a plugin that is not there.
  supervisor.plugin(name);
  const input = await readInput(request, response);
  const accept = request.headers.accept ?? '';
  const packed = accept.includes(PACKED_VALUE);
  if (stream === true) return streamOut(supervisor, name, input, { ...given, streamIdleMs }, response, packed);
  if (accept.includes(EVENT_STREAM)) return follow(supervisor, name, input, given, response, packed);
  const result = await supervisor.execute(name, input, given);
  if (packed) give(response, PACKED_VALUE, packValue(result, 'result'));
  else give(response, 'application/json', printedJson(result));
}

/** The input that a request brings; undefined where it brings nothing. */
async function readInput(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
  const type = request.headers['content-type'] ?? '';
  if (/^multipart\/form-data\s*(;|$)/i.test(type)) return readMultipart(request, response);
  return bodyValue(request, response);
}

/** Tells of the progress of a call, and then of its outcome. */
async function follow(
  supervisor: Supervisor,
  name: string,
  input: unknown,
  given: CallOptions,
  response: ServerResponse,
  packed: boolean,
): Promise<void> {
  let events: EventStream | undefined;
  const begin = (): EventStream => (events ??= new EventStream(response));
  const progress = new ProgressEvents(begin);
  const outcome = supervisor.execute(name, input, { ...given, onProgress: (each) => progress.tell(each) });
  if (!(await isSettled(outcome))) begin();
  try {
    const result = await outcome;
    progress.flush();
    begin().send('result', text(result, 'result', packed));
    begin().end();
  } catch (error) {
    if (events === undefined) throw error;
    progress.flush();
    events.send('error', printedJson(problemOf(error)));
    events.end();
  }
}

async function streamOut(
  supervisor: Supervisor,
  name: string,
  input: unknown,
  given: StreamOptions,
  response: ServerResponse,
  packed: boolean,
): Promise<void> {
  let begun: EventStream | undefined;
  const begin = (): EventStream => (begun ??= new EventStream(response));
  const progress = new ProgressEvents(begin);
  const onProgress = (each: Progress): void => progress.tell(each);
  const iterator = supervisor.stream(name, input, { ...given, onProgress })[Symbol.asyncIterator]();
  let next = iterator.next();
  if ((await isSettled(next)) && begun === undefined) await next;
  const events = begin();
  try {
    for (let item = await next; item.done !== true; item = await next) {
      progress.flush();
      if (!events.send('chunk', text(item.value, 'chunk', packed))) await events.drained();
      if (events.closed) return;
      next = iterator.next();
    }
    progress.flush();
    events.send('result', text(null, 'result', packed));
  } catch (error) {
    progress.flush();
    events.send('error', printedJson(problemOf(error)));
  } finally {
    await iterator.return?.();
  }
  events.end();
}

function text(value: unknown, name: string, packed: boolean): string {
  return packed ? packValue(value, name).toString('base64') : printedJson(value);
}

/**
 * Whether a call has ended within a turn of the event loop. What is refused at once is told by its status; what is not
 * begins a stream of events, so that the client knows that it was taken.
 */
async function isSettled(outcome: Promise<unknown>): Promise<boolean> {
  const ended = outcome.then(
    () => true,
    () => true,
  );
  return Promise.race([ended, new Promise<false>((resolve) => setImmediate(() => resolve(false)))]);
}
