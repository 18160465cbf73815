import { z } from 'zod';
import { JOB_STATES, type JobState } from '../jobs/job.ts';
import { numeral } from './schemas.ts';

const time = z.number().describe('Milliseconds since the epoch.');
const state = z.enum(JOB_STATES as [JobState, ...JobState[]]);

const error = z.strictObject({
  code: z.string(),
  message: z.string(),
  plugin: z.string().optional(),
  remote: z.looseObject({}).optional(),
  details: z.unknown().optional(),
});

const job = {
  id: z.string(),
  plugin: z.string(),
  tool: z.string().optional(),
  state,
  priority: z.number(),
  key: z.string().optional(),
  after: z.array(z.string()),
  once: z.boolean(),
  stream: z.boolean().describe('Whether its result is the list of the chunks that its call streams.'),
  addedAt: time,
  dueAt: time.optional(),
  startedAt: time.optional(),
  endedAt: time.optional(),
  attempt: z.int(),
  attempts: z.int(),
  interruptions: z.int(),
  progress: z.looseObject({ progress: z.number(), message: z.string().optional() }).optional(),
  error: error.optional(),
  waitsFor: z.string().optional().describe('Why it waits although it could be its turn.'),
};

const attempt = z.strictObject({
  number: z.int(),
  startedAt: time,
  endedAt: time.optional(),
  end: z.enum(['done', 'failed', 'cancelled', 'interrupted']).optional(),
  error: error.optional(),
  generation: z.int().optional(),
});

/** A job with its attempts. */
export const jobSchema = z.strictObject({ ...job, history: z.array(attempt) });

/** A page of jobs. */
export const jobPageSchema = z.strictObject({ jobs: z.array(z.strictObject(job)), next: z.string().optional() });

/** Which jobs a page has. */
export const jobQuery = z.strictObject({
  plugin: z.string().optional(),
  state: state.optional(),
  prefix: z.string().optional().describe('What their identifiers begin with.'),
  limit: numeral.optional().describe('At most 1,000; default 100.'),
  cursor: z.string().optional().describe('The `next` of the page before.'),
});

/** A job that was added. */
export const addedSchema = z.strictObject({
  id: z.string(),
  plugin: z.string(),
  isNew: z.boolean().describe('False where there was a job with this key.'),
  waitsFor: z.string().optional(),
});

/** The jobs of a graph that were added, by name. */
export const addedGraphSchema = z.strictObject({ jobs: z.record(z.string(), addedSchema) });

/** A job to be added. What its options may be, `jobs.add` checks. */
export const newJobSchema = z.strictObject({
  plugin: z.string(),
  input: z
    .unknown()
    .optional()
    .describe('With `{"$greenroom.output": JOB, "at": POINTER}` for the result of another job.'),
  tool: z.string().optional(),
  priority: z.number().optional(),
  attempts: z.number().optional(),
  backoff: z
    .strictObject({ delayMs: z.number().optional(), factor: z.number().optional(), maxMs: z.number().optional() })
    .optional(),
  delayMs: z.number().optional(),
  timeoutMs: z.number().optional(),
  ttlMs: z.number().optional(),
  key: z.string().optional(),
  after: z.array(z.string()).optional(),
  once: z.boolean().optional(),
  stream: z.boolean().optional(),
});

/** Several jobs to be added, by the names that they have for each other. */
export const graphSchema = z.strictObject({ jobs: z.record(z.string(), newJobSchema) });

/** What a job was given, and its result. */
export const valuesSchema = z.strictObject({ input: z.unknown().optional(), result: z.unknown().optional() });

/** How a job has ended. */
export const endSchema = z.strictObject({ state: z.enum(['done', 'failed', 'cancelled']) });

/** How many jobs there are. */
export const countsSchema = z.strictObject({ counts: z.record(z.string(), z.partialRecord(state, z.int())) });

/** The plugins of which no jobs are taken. */
export const pausedSchema = z.strictObject({ plugins: z.array(z.string()).describe('`*` for all.') });
