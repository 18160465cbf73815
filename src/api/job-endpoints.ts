import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { GreenroomError } from '../errors.ts';
import type { Job } from '../jobs/job.ts';
import type { GraphJob } from '../jobs/job-graph.ts';
import type { JobHandle } from '../jobs/job-handle.ts';
import { withOutputMarks } from '../jobs/job-output.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { printedJson } from '../json/printed-json.ts';
import { give } from '../server/answer.ts';
import { EventStream } from '../server/event-stream.ts';
import { bodyValue } from './body-value.ts';
import { byTicket, checkedBody, checkedQuery, type Endpoint, endpoint, jsonEndpoint } from './endpoint.ts';
import {
  addedGraphSchema,
  addedSchema,
  countsSchema,
  endSchema,
  graphSchema,
  jobPageSchema,
  jobQuery,
  jobSchema,
  newJobSchema,
  pausedSchema,
  valuesSchema,
} from './job-schemas.ts';
import { PACKED_VALUE, packValue } from './packed-value.ts';
import { problemOf } from './problem.ts';
import { flag } from './schemas.ts';

const PACKED = { [PACKED_VALUE]: 'The value with integers of any size and bytes, for the clients of this package.' };

const ofPlugin = z.strictObject({ plugin: z.string().optional().describe('By default the jobs of all plugins.') });

const eventQuery = z.strictObject({ changes: flag.optional().describe('False: only its end; default true.') });

/**
 * The endpoints of jobs.
 *
 * @param open gives the jobs, opening them if need be; rejects with `E_JOB_STORE`
 */
export function jobEndpoints(open: () => Promise<Jobs>): Endpoint[] {
  /** An endpoint that changes a job and answers with how it stands then. */
  const changing = <Body extends z.ZodObject>(
    method: 'POST' | 'PUT',
    what: string,
    summary: string,
    body: Body,
    change: (jobs: Jobs, id: string, body: z.output<Body>) => Promise<void>,
  ): Endpoint =>
    jsonEndpoint(
      { method, path: `/jobs/:id/${what}`, summary, body, answer: jobSchema },
      async ({ id, body: given }) => {
        const jobs = await open();
        await change(jobs, id, given as z.output<Body>);
        return jobs.read(id);
      },
    );
  const pausing = (act: 'pause' | 'resume', summary: string): Endpoint =>
    jsonEndpoint(
      { method: 'POST', path: `/jobs/${act}`, summary, body: ofPlugin, answer: pausedSchema },
      async ({ body: { plugin } }) => {
        const jobs = await open();
        await jobs[act](plugin);
        return { plugins: await jobs.paused() };
      },
    );
  return [
    endpoint(
      {
        method: 'POST',
        path: '/jobs',
        summary: 'Adds a job; answers once it is on the disk.',
        body: newJobSchema,
        answer: addedSchema,
        also: PACKED,
      },
      async ({ request, response }) => {
        const { plugin, input, ...options } = checkedBody(newJobSchema, await bodyValue(request, response));
        const job = await (await open()).add(plugin, withOutputMarks(input), options);
        give(response, 'application/json', printedJson(addedOf(job)));
      },
    ),
    endpoint(
      {
        method: 'POST',
        path: '/jobs/graph',
        summary: 'Adds several jobs, all or none. They name each other by their names here.',
        body: graphSchema,
        answer: addedGraphSchema,
        also: PACKED,
      },
      async ({ request, response }) => {
        const { jobs } = checkedBody(graphSchema, await bodyValue(request, response));
        const graph = mapped(jobs, (job): GraphJob => ({ ...job, input: withOutputMarks(job.input) }));
        const added = await (await open()).addAll(graph);
        give(response, 'application/json', printedJson({ jobs: mapped(added, addedOf) }));
      },
    ),
    jsonEndpoint(
      {
        method: 'GET',
        path: '/jobs',
        summary: 'The jobs, newest first, a page at a time.',
        query: jobQuery,
        answer: jobPageSchema,
      },
      async ({ query }) => (await open()).list(query),
    ),
    jsonEndpoint(
      { method: 'GET', path: '/jobs/counts', summary: 'How many there are in each state.', answer: countsSchema },
      async () => ({ counts: await (await open()).counts() }),
    ),
    jsonEndpoint(
      { method: 'GET', path: '/jobs/paused', summary: 'Of which plugins none are taken.', answer: pausedSchema },
      async () => ({ plugins: await (await open()).paused() }),
    ),
    pausing('pause', 'Takes no jobs, or none of a plugin. What runs goes on.'),
    pausing('resume', 'Takes jobs again.'),
    byTicket(
      {
        method: 'GET',
        path: '/jobs/events',
        summary: 'Every job that changes, from now on.',
        answer: z.unknown(),
        also: { 'text/event-stream': 'Events `job`, each with the job as it is then.' },
      },
      async ({ response }) => {
        const jobs = await open();
        await tell(response, (signal) => jobs.changed(signal));
      },
    ),
    jsonEndpoint(
      { method: 'GET', path: '/jobs/:id', summary: 'One job, with its attempts.', answer: jobSchema },
      async ({ id }) => (await open()).read(id),
    ),
    endpoint(
      {
        method: 'GET',
        path: '/jobs/:id/values',
        summary: 'What it was given, and its result. In JSON, bytes are base64.',
        answer: valuesSchema,
        also: PACKED,
      },
      async ({ request, response, params }) => {
        const values = await (await open()).values(params['id'] ?? '');
        if ((request.headers.accept ?? '').includes(PACKED_VALUE))
          give(response, PACKED_VALUE, packValue(values, 'values'));
        else give(response, 'application/json', printedJson(values));
      },
    ),
    byTicket(
      {
        method: 'GET',
        path: '/jobs/:id/events',
        summary: 'The job now and after each change, until it has ended.',
        query: eventQuery,
        answer: z.unknown(),
        also: { 'text/event-stream': 'Events `job`, the last of a job that has ended; or `error`.' },
      },
      async ({ response, params, query }) => {
        const { id = '' } = params;
        const { changes = true } = checkedQuery(eventQuery, query);
        const jobs = await open();
        const handle = await jobs.get(id);
        await tell(response, (signal) => (changes ? handle.watch({ signal }) : once(jobs.ended(id, signal))));
      },
    ),
    jsonEndpoint(
      {
        method: 'POST',
        path: '/jobs/:id/cancel',
        summary: 'Cancels it, and its call where it runs; answers with the state in which it has ended.',
        body: z.strictObject({}),
        answer: endSchema,
      },
      async ({ id }) => ({ state: await (await open()).cancel(id) }),
    ),
    changing('POST', 'retry', 'Runs it again, once it has ended.', z.strictObject({}), (jobs, id) => jobs.retry(id)),
    changing('POST', 'first', 'Makes it the next of its plugin.', z.strictObject({}), (jobs, id) => jobs.first(id)),
    changing(
      'PUT',
      'priority',
      'Gives it another priority while it waits.',
      z.strictObject({ priority: z.number() }),
      (jobs, id, { priority }) => jobs.setPriority(id, priority),
    ),
    jsonEndpoint({ method: 'DELETE', path: '/jobs/:id', summary: 'Removes it, once it has ended.' }, async ({ id }) =>
      (await open()).remove(id),
    ),
  ];
}

/**
 * Tells jobs as events. Of a job that changes faster than its reader reads, the newest is told. Where the store is closed
 * the events end before the job does, and the reader may ask again.
 */
async function tell(response: ServerResponse, jobs: (signal: AbortSignal) => AsyncIterable<Job>): Promise<void> {
  const events = new EventStream(response);
  const gone = new AbortController();
  events.onClose(() => gone.abort());
  try {
    for await (const job of jobs(gone.signal)) if (!events.send('job', printedJson(job))) await events.drained();
  } catch (error) {
    if (gone.signal.aborted) return;
    if (!(error instanceof GreenroomError && error.code === 'E_JOB_STORE'))
      events.send('error', printedJson(problemOf(error)));
  } finally {
    events.end();
  }
}

async function* once<Value>(value: Promise<Value>): AsyncGenerator<Value, void, undefined> {
  yield await value;
}

function addedOf({ id, plugin, isNew, waitsFor }: JobHandle) {
  return { id, plugin, isNew, waitsFor };
}

function mapped<From, To>(from: Readonly<Record<string, From>>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(from).map(([name, value]) => [name, change(value)] as const));
}
