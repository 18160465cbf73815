import { GreenroomError } from '../errors.ts';

/** The field by which an input says that it takes the result of another job. */
const MARK = '$greenroom.output';

/** What stands in the input of a job for the result of another one, or a part of it. Made by {@link output}. */
export class JobOutput {
  /** The job: its name in the graph, or its identifier. */
  readonly job: string;
  /** A JSON Pointer into its result; empty for the whole. */
  readonly at: string;

  /** @internal */
  constructor(job: string, at: string) {
    this.job = job;
    this.at = at;
  }

  /** @internal How it is stored. */
  toJSON(): unknown {
    return { [MARK]: this.job, at: this.at };
  }
}

/**
 * The result of another job, to be used in the input of a job that comes after it.
 *
 * @param job the name of the job in the same `addAll`, or a job that was added before
 * @param at a JSON Pointer (RFC 6901) to a part of the result, such as `/text`; by default the whole
 */
export function output(job: string | { readonly id: string }, at = ''): JobOutput {
  if (typeof at !== 'string' || (at !== '' && !at.startsWith('/')))
    throw new GreenroomError(
      'E_OPTIONS',
      `The place in the result of a job must be a JSON Pointer such as "/text", got ${JSON.stringify(at)}.`,
    );
  return new JobOutput(typeof job === 'string' ? job : job.id, at);
}

/** A value that was sent, in which outputs stand as they are stored, with them as {@link output} makes them. */
export function withOutputMarks(value: unknown): unknown {
  if (!isPlainHolder(value)) return value;
  if (Array.isArray(value)) return value.map(withOutputMarks);
  const { [MARK]: job, at = '', ...others } = value as Readonly<Record<string, unknown>>;
  if (typeof job === 'string' && typeof at === 'string' && Object.keys(others).length === 0) return output(job, at);
  return Object.fromEntries(Object.entries(value).map(([field, part]) => [field, withOutputMarks(part)] as const));
}

/** The jobs whose results an input takes, by name or identifier. */
export function outputsIn(input: unknown): readonly string[] {
  const found = new Set<string>();
  // Each once, as it grows: what is in a circle, or nested too deep, is refused where it is packed.
  const values = new Set<unknown>([input]);
  for (const value of values) {
    if (value instanceof JobOutput) found.add(value.job);
    else if (isPlainHolder(value))
      for (const part of Object.values(value) as unknown[]) if (typeof part === 'object') values.add(part);
  }
  return [...found];
}

/**
 * An input as it was stored, with the results that it takes in their places, which it shares with `results`. Throws
 * `E_INPUT` where a result has nothing at such a place.
 */
export function withOutputs(plugin: string, input: unknown, results: ReadonlyMap<string, unknown>): unknown {
  if (!isPlainHolder(input)) return input;
  const job = (input as Readonly<Record<string, unknown>>)[MARK];
  if (typeof job === 'string' && results.has(job))
    return partOf(plugin, job, results.get(job), (input as { readonly at?: unknown }).at);
  if (Array.isArray(input)) return input.map((item: unknown) => withOutputs(plugin, item, results));
  return Object.fromEntries(
    Object.entries(input).map(([field, value]) => [field, withOutputs(plugin, value, results)] as const),
  );
}

function partOf(plugin: string, job: string, result: unknown, at: unknown): unknown {
  let found = result;
  for (const step of String(at).split('/').slice(1)) {
    const field = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, field))
      throw new GreenroomError(
        'E_INPUT',
        `The input of a job of "${plugin}" takes ${JSON.stringify(at)} of the result of the job ${job}, which has nothing there.`,
        { plugin },
      );
    found = (found as Readonly<Record<string, unknown>>)[field];
  }
  return found;
}

/** A list or an object of which the fields are data. Bytes are neither. */
function isPlainHolder(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
