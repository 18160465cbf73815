import type { CallBody } from '../protocol.ts';
import type { CallAnswer } from './call-answer.ts';
import { describeError } from './describe-error.ts';
import { Promise } from './originals.ts';
import type { PluginContext } from './plugin.ts';
import { PluginError } from './plugin-error.ts';
import type { RunningCall, RunningCalls } from './running-calls.ts';
import { withTempFiles } from './serialize.ts';
import { describeIssues, isStandardSchema, type StandardSchema } from './standard-schema.ts';
import type { AnyTool } from './tools.ts';

/** What {@link answerCall} needs beside the request. */
export interface CallSettings {
  readonly tool: AnyTool;
  readonly context: PluginContext<unknown>;
  readonly running: RunningCalls;
  /** What the plugin's part of a call waits for; the call can be cancelled meanwhile. */
  readonly starting: Promise<unknown> | undefined;
}

/** How a call is answered: `execute` with one result, `stream` with chunks. */
export type CallKind = 'execute' | 'stream';

/** Runs one call of a tool and sends its whole answer. Never rejects: what the plugin throws is the answer. */
export async function answerCall(
  kind: CallKind,
  body: Required<CallBody>,
  { tool, context, running, starting }: CallSettings,
  answer: CallAnswer,
): Promise<void> {
  let call: RunningCall | undefined;
  try {
    call = running.open(body, context, answer);
    answer.opened(call);
    if (starting !== undefined) {
      await starting;
      refuseCancelled(call);
    }
    const { input: schema } = tool;
    const input = schema !== undefined && isStandardSchema(schema) ? await parseInput(schema, call) : call.input;
    // Closed before the answer's end: whoever has it, and cancels the call, is told that there is none.
    if (kind === 'stream') {
      await stream(tool, input, call, answer);
      running.close(call);
      answer.end();
    } else {
      if (tool.execute === undefined) throw onlyStreams(call);
      const value = await tool.execute(input, call);
      if (isAsyncIterable(value)) throw onlyStreams(call);
      const saved = withTempFiles(value);
      const result = saved instanceof Promise ? await saved : saved;
      running.close(call);
      answer.result(result);
    }
  } catch (error) {
    const described = describeError(error, answer.carriesBytes);
    if (call !== undefined) running.close(call);
    answer.error(described);
  }
}

function onlyStreams(call: RunningCall): PluginError {
  const message = `The tool "${call.tool}" only streams: call it with stream(), not execute().`;
  return new PluginError(message, { category: 'input' });
}

async function stream(tool: AnyTool, input: unknown, call: RunningCall, answer: CallAnswer): Promise<void> {
  if (tool.stream !== undefined) {
    const chunks: unknown = tool.stream(input, call);
    if (isAsyncIterable(chunks) || isIterable(chunks)) return writeChunks(chunks, call, answer);
    const given = chunks instanceof Promise ? 'a Promise' : chunks === null ? 'null' : typeof chunks;
    throw new TypeError(`stream() must return an iterable, as "async *stream()" does, not ${given}.`);
  }
  const value = await tool.execute?.(input, call);
  return writeChunks(isAsyncIterable(value) ? value : [value], call, answer);
}

/** Parses the input with the schema of its tool, and refuses one that does not fit. */
async function parseInput(schema: StandardSchema, call: RunningCall): Promise<unknown> {
  const result = await schema['~standard'].validate(call.input);
  if (result.issues !== undefined) {
    const { text, issues } = describeIssues(result.issues);
    throw new InputError(`The input of tool "${call.tool}" does not fit: ${text}`, {
      category: 'input',
      details: { issues },
    });
  }
  refuseCancelled(call);
  return result.value;
}

/** An input that does not fit the schema of its tool. */
class InputError extends PluginError {
  override readonly name = 'InputError';
}

/** Leaving the loop early, for whatever reason, returns the generator, so its `finally` blocks run. */
async function writeChunks(
  chunks: AsyncIterable<unknown> | Iterable<unknown>,
  call: RunningCall,
  answer: CallAnswer,
): Promise<void> {
  for await (const chunk of chunks) {
    refuseCancelled(call);
    const value = withTempFiles(chunk);
    const wait = answer.chunk(value instanceof Promise ? await value : value);
    if (wait !== undefined) await wait;
  }
}

function refuseCancelled(call: RunningCall): void {
  if (!call.cancelled) return;
  // The table says so before the control thread's word has come; the generator is to see it as it ends.
  call.abort();
  throw new PluginError('The call was cancelled.', { category: 'transient', retryable: false });
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return value !== undefined && value !== null && Symbol.iterator in Object(value);
}
