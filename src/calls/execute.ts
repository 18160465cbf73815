import type { EncodedInput, UnsavedInput } from '../channel/encoded-input.ts';
import { GreenroomError } from '../errors.ts';
import { wallTime } from '../time/clock.ts';
import { Call } from './call.ts';
import { nextCallId } from './call-id.ts';
import { type CallOptions, checkCallOptions, type InternalCallOptions, type StreamOptions } from './call-options.ts';
import type { CallSite } from './call-site.ts';
import { rejectedForCaller } from './caller-frames.ts';
import { CallStream, type StreamSource } from './stream.ts';
import { StreamHandle } from './stream-handle.ts';

/** Calls `execute` of a plugin; resolves to its result. Rejects with a GreenroomError. */
export function executeCall<Output>(site: CallSite, input: unknown, options: CallOptions): Promise<Output> {
  return new Promise<Output>((resolve) => {
    const id = nextCallId();
    new Call(site, 'execute', id, prepared(site, input, options), options, {
      onChunk: () => {},
      onResult: resolve,
      onError: (error) => resolve(rejectedForCaller(error)),
    }).begin();
  });
}

/** What the call of a job has beside. */
type JobCallOptions = Pick<InternalCallOptions, 'client' | 'onStart'>;

/** Calls `execute` of a plugin for a job. As {@link executeCall}. */
export function executeJobCall(
  site: CallSite,
  input: unknown,
  options: CallOptions,
  job: JobCallOptions,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const outcome = { onChunk: () => {}, onResult: resolve, onError: reject };
    new Call(site, 'execute', nextCallId(), prepared(site, input, options), { ...options, ...job }, outcome).begin();
  });
}

/** Passes a `tools/call` through to a plugin that is a server of MCP; resolves to its result as it came. */
export function passToolCall(
  site: CallSite,
  mcpParams: Readonly<Record<string, unknown>>,
  options: Pick<InternalCallOptions, 'signal' | 'onProgress' | 'client' | 'session'>,
): Promise<Readonly<Record<string, unknown>>> {
  return new Promise((resolve, reject) => {
    const tool = typeof mcpParams['name'] === 'string' ? mcpParams['name'] : undefined;
    if (tool !== undefined) site.tools.refuseDenied(tool);
    const all = { ...options, tool, mcpParams, validate: false, integers: 'bigint' } as const;
    new Call(site, 'execute', nextCallId(), NO_INPUT, all, {
      onChunk: () => {},
      onResult: (result) => resolve(result as Readonly<Record<string, unknown>>),
      onError: reject,
    }).begin();
  });
}

/** Where the parameters are passed on as they are. */
const NO_INPUT: EncodedInput = { args: '[]', kwargs: '{}', bytes: [] };

/**
 * Calls `execute_stream` of a plugin. The call starts with the first `next()`; leaving the loop cancels it, as does
 * dropping the stream, once it is collected; a slow reader slows the worker down, and one that asks for nothing for
 * `streamIdleMs` loses the call.
 */
export function streamCall<Chunk>(
  site: CallSite,
  input: unknown,
  options: StreamOptions,
  job: JobCallOptions = {},
): StreamHandle<Chunk> {
  let call: Call | undefined;
  const id = nextCallId();
  const { plugin, clock } = site;
  let limitMs = site.streamIdleMs;
  let encoded: EncodedInput | UnsavedInput | GreenroomError;
  try {
    // Now, and not at the first `next()`, until when the caller may have changed it.
    encoded = prepared(site, input, options);
    limitMs = options.streamIdleMs ?? limitMs;
  } catch (error) {
    encoded = error as GreenroomError;
  }
  const note = (idleMs: number, message: string): void => {
    const since = wallTime(clock, clock.monotonic() - idleMs);
    site.warn({ plugin, call: id, since, idleMs, streamIdleMs: limitMs }, message);
  };
  const source: StreamSource = {
    start: () => {
      const outcome = {
        onChunk: (chunk: unknown, length: number) => stream.push(chunk as Chunk, length),
        onResult: () => stream.end(),
        onError: (error: GreenroomError) => stream.fail(error),
        idleSince: () => stream.idleSince,
      };
      if (encoded instanceof GreenroomError) {
        stream.fail(encoded);
        return;
      }
      call = new Call(site, 'stream', id, encoded, { ...options, ...job }, outcome);
      call.begin();
    },
    pause: () => call?.pause(),
    resume: () => call?.resume(),
    cancel: () => call?.cancel(undefined),
    warn: (idleMs) => {
      const end = `The call is cancelled in ${seconds(limitMs - idleMs)} s unless it reads on (streamIdleMs).`;
      note(idleMs, `${idleText(plugin, idleMs)} ${end}`);
    },
    expire: (idleMs) => {
      note(idleMs, `${idleText(plugin, idleMs)} The call was cancelled.`);
      call?.abandon(idleError(plugin, idleMs, limitMs));
    },
  };
  const stream = new CallStream<Chunk>(source, { clock, idleMs: limitMs });
  return new StreamHandle(stream);
}

/** The input as it is sent. Throws what can be said against a call before anything of it is. */
function prepared(site: CallSite, input: unknown, options: StreamOptions): EncodedInput | UnsavedInput {
  checkCallOptions(site.plugin, options);
  const { tool, validate } = options;
  if (tool !== undefined) site.tools.refuseUnknown(tool);
  return site.encode(validate === false ? input : site.tools.checkedInput(tool, input));
}

function idleText(plugin: string, idleMs: number): string {
  return `A stream of "${plugin}" has been unread for ${seconds(idleMs)} s, while items are waiting.`;
}

function idleError(plugin: string, idleMs: number, limitMs: number): GreenroomError {
  return new GreenroomError(
    'E_TIMEOUT',
    `The stream of "${plugin}" was cancelled: it was unread for ${seconds(idleMs)} s, while items were waiting. ` +
      `Leave the loop when you are done, or raise streamIdleMs (now ${limitMs} ms).`,
    { plugin, details: { option: 'streamIdleMs', limitMs, idleMs } },
  );
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}
