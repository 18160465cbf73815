import { z } from 'zod';
import { POLICY_NAMES, type PolicyName } from '../scheduler/policies/policies.ts';
import type { Policy } from '../scheduler/policies/policy.ts';
import { mustBe } from './check.ts';

/** What may be given of these fields: each as its schema takes it, or nothing. Unlike `z.input`, it keeps doc comments. */
export type Given<Shape extends z.ZodRawShape> = { [Name in keyof Shape]?: z.input<Shape[Name]> | undefined };

/** A schema that changes nothing in what it takes. */
type SchemaOf<Value> = z.ZodType<Value, Value>;

/** A text that is not empty. */
export const filledText = z.string().min(1);

/** A time in whole milliseconds. */
export const milliseconds = z.number().int().nonnegative();

/** How many of something, at least one. */
export const count = z.number().int().positive();

/** A time above 0 in whole milliseconds, or no limit. */
export const idleMilliseconds = z.custom<number>(
  (value) => value === Infinity || (Number.isSafeInteger(value) && (value as number) > 0),
  { error: mustBe('a whole number of milliseconds above 0, or Infinity for no limit') },
);

/** A policy by its name, or an object of the program. */
export const policy = z.custom<PolicyName | Policy>(
  (value) =>
    POLICY_NAMES.some((name) => name === value) ||
    (typeof value === 'object' && value !== null && 'decide' in value && typeof value.decide === 'function'),
  `must be ${POLICY_NAMES.map((name) => `"${name}"`).join(', ')}, or an object with decide()`,
);

const amount = z.number().nonnegative();

const capacityShape = {
  /** GPU memory, in MiB, of all GPUs together. */
  vramMb: amount,
  /**
   * Memory of each GPU that is to be used, in MiB, by its UUID as `nvidia-smi -L` names it. Default: where the machine
   * has several, all that the host program sees, with all of their memory.
   */
  gpus: z.record(filledText, amount).readonly(),
  /** System memory, in MiB. */
  ramMb: amount,
  /** Worker processes. */
  slots: count,
};

/** The most that plugins may use together. What is left out is not limited. */
export interface Capacity extends Readonly<Given<typeof capacityShape>> {}

/** Takes {@link Capacity}. */
export const capacity: SchemaOf<Capacity> = z.strictObject(capacityShape).partial();

/** How often a worker is asked whether it is alive, and how long it may take to answer. */
export const liveness = z
  .strictObject({ intervalMs: milliseconds.min(1), timeoutMs: milliseconds.min(1) })
  .partial()
  .readonly();

const restartShape = {
  /** `permanent`: always; `transient`: unless it ended normally; `temporary`: never. */
  policy: z.enum(['permanent', 'transient', 'temporary']),
  /** How many restarts within `periodMs` are borne before the plugin is given up. */
  intensity: z.number().int().nonnegative(),
  periodMs: milliseconds,
  /** The wait before the n-th restart in a row is a random part of min(cap, base × factor^n). */
  backoff: z.strictObject({ baseMs: milliseconds, factor: z.number().min(1), capMs: milliseconds }).partial(),
};

/** How crashed workers are restarted unless their manifest says otherwise. */
export interface RestartOptions extends Given<typeof restartShape> {}

/** Takes {@link RestartOptions}. */
export const restart: SchemaOf<RestartOptions> = z.strictObject(restartShape).partial();

const inspectShape = {
  /** Default: any that is free. */
  port: z.number().int().min(0).max(65_535),
  /** Whether plugins may be called, loaded, released, restarted, cancelled and reset from the page. Default false. */
  control: z.boolean(),
  /** Whether the inputs and outputs of calls are kept, without secrets, for the page and for sessions. Default true. */
  payloads: z.boolean(),
};

/** How the inspector is served. */
export interface InspectSettings extends Readonly<Given<typeof inspectShape>> {}

/** Takes {@link InspectSettings}. */
export const inspect: SchemaOf<InspectSettings> = z.strictObject(inspectShape).partial();
