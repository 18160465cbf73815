// @ts-check
// A trace says who is called when and what that costs: one JSON object a line, first the head, then the plugins, then the
// calls in the order of their arrival.
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { z } from 'zod';

const whole = z.number().int().nonnegative();

const HEAD = z.strictObject({
  /** The version of this format. */
  trace: z.literal(1),
  name: z.string().min(1),
  /** What the residents may take up together, in MiB. */
  capacityMb: whole.positive(),
});
const PLUGIN = z.strictObject({ plugin: z.string().min(1), mb: whole, loadMs: whole, stopMs: whole });
const CALL = z.strictObject({ at: whole, call: z.string().min(1), ms: whole });

/**
 * @typedef {{ name: string, mb: number, loadMs: number, stopMs: number }} TracePlugin What it takes up (MiB), how long it
 *   takes to load and to be gone (ms).
 * @typedef {{ at: number, plugin: number, ms: number }} TraceCall When it arrives (ms from the start), the index of the
 *   plugin, and how long it is served (ms).
 * @typedef {{ name: string, capacityMb: number, plugins: TracePlugin[], calls: TraceCall[] }} Trace
 */

/** A trace cannot be used; the message says where and why. */
export class TraceError extends Error {
  /** @override */
  name = 'TraceError';
}

/**
 * Reads a trace; `-` is standard input. Throws {@link TraceError}.
 *
 * @param {string} file
 * @returns {Promise<Trace>}
 */
export async function readTrace(file) {
  if (file === '-') return parseTrace(createInterface({ input: process.stdin, crlfDelay: Infinity }), 'standard input');
  const handle = await open(file).catch((error) => {
    throw new TraceError(`${file}: the trace cannot be opened (${error.code}).`, { cause: error });
  });
  try {
    return await parseTrace(handle.readLines(), file);
  } catch (error) {
    if (error instanceof TraceError) throw error;
    throw new TraceError(`${file}: the trace cannot be read (${messageOf(error)}).`, { cause: error });
  } finally {
    await handle.close();
  }
}

/** @param {AsyncIterable<string>} lines @param {string} file @returns {Promise<Trace>} */
async function parseTrace(lines, file) {
  /** @type {Trace | undefined} */
  let trace;
  /** @type {Map<string, number>} */
  const places = new Map();
  let number = 0;
  /** @param {string} reason @returns {never} */
  const fail = (reason) => {
    throw new TraceError(`${file}:${number}: ${reason}`);
  };
  for await (const line of lines) {
    number += 1;
    if (line.trim() === '') continue;
    const entry = parseLine(line, fail);
    if (trace === undefined) {
      const { name, capacityMb } = check(HEAD, entry, fail);
      trace = { name, capacityMb, plugins: [], calls: [] };
    } else if ('plugin' in entry) {
      if (trace.calls.length > 0) fail('a plugin must stand before all calls.');
      const { plugin: name, ...figures } = check(PLUGIN, entry, fail);
      if (places.has(name)) fail(`the plugin "${name}" is there already.`);
      places.set(name, trace.plugins.length);
      trace.plugins.push({ name, ...figures });
    } else {
      const { at, call, ms } = check(CALL, entry, fail);
      const plugin = places.get(call) ?? fail(`no line before the calls describes the plugin "${call}".`);
      const former = trace.calls.at(-1)?.at ?? 0;
      if (at < former) fail(`the call arrives at ${at}, before the one above it at ${former}.`);
      trace.calls.push({ at, plugin, ms });
    }
  }
  number += 1;
  if (trace === undefined) return fail('the trace is empty.');
  if (trace.calls.length === 0) fail('the trace ends without a call.');
  return trace;
}

/** @param {string} line @param {(reason: string) => never} fail @returns {object} */
function parseLine(line, fail) {
  try {
    const value = JSON.parse(line);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    fail(`not JSON: ${messageOf(error)}`);
  }
  return fail('a line must be a JSON object.');
}

/** @template T @param {z.ZodType<T>} schema @param {object} entry @param {(reason: string) => never} fail @returns {T} */
function check(schema, entry, fail) {
  const { data, error } = schema.safeParse(entry);
  if (data !== undefined) return data;
  const [first] = error?.issues ?? [];
  const place = first?.path.join('.') ?? '';
  return fail(place === '' ? `${first?.message}.` : `"${place}": ${first?.message}.`);
}

/**
 * The lines of a trace, as {@link readTrace} reads them.
 *
 * @param {Trace} trace
 * @returns {Iterable<string>}
 */
export function* linesOf({ name, capacityMb, plugins, calls }) {
  yield JSON.stringify({ trace: 1, name, capacityMb });
  for (const { name: plugin, mb, loadMs, stopMs } of plugins) yield JSON.stringify({ plugin, mb, loadMs, stopMs });
  for (const { at, plugin, ms } of calls) yield JSON.stringify({ at, call: plugins[plugin]?.name, ms });
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
