import { expect, it } from 'vitest';
import type { z } from 'zod';
import {
  addedGraphSchema,
  addedSchema,
  countsSchema,
  endSchema,
  jobPageSchema,
  jobSchema,
  pausedSchema,
  valuesSchema,
} from '../../src/api/job-schemas.ts';
import { PACKED_VALUE, packValue, unpackValue } from '../../src/api/packed-value.ts';
import { door } from '../runtime/greenroom.ts';
import { type Ask, type Loose, type OpenedApi, openApi } from './opened.ts';

const WORKBENCH = { workbench: { fixture: 'workbench' } };

/** Asks for what fits a schema. */
async function fits(api: OpenedApi, schema: z.ZodType, method: string, path: string, body?: unknown): Promise<Loose> {
  const { status, value } = await api.ask(method, `/api/jobs${path}`, body === undefined ? {} : { body });
  expect([path, status, schema.safeParse(value).error?.issues]).toEqual([path, 200, undefined]);
  return value;
}

/** The job once it has ended. */
async function ended(api: OpenedApi, id: string): Promise<Loose> {
  const events = await api.events('GET', `/api/jobs/${id}/events?changes=false`);
  const told = await events.ended;
  expect(told).toHaveLength(1);
  return told[0]?.data;
}

it('a job is added, followed to its end, and looked at with its attempts and values', async () => {
  const opened = await openApi(WORKBENCH);
  const added = await fits(opened, addedSchema, 'POST', '', {
    plugin: 'workbench',
    input: { do: 'steps', count: 3 },
    key: 'once',
  });
  expect(added).toEqual({ id: expect.any(String), plugin: 'workbench', isNew: true });
  const { ticket } = (await opened.ask('POST', '/api/tickets')).value;
  const byTicket = { headers: { authorization: '' } };
  const { told, ended: end } = await opened.events('GET', `/api/jobs/${added.id}/events?ticket=${ticket}`, byTicket);
  await end;
  expect(told.every(({ event, data }) => event === 'job' && data.id === added.id)).toBe(true);
  expect(told.at(-1)?.data).toMatchObject({ state: 'done', attempt: 1 });
  const job = await fits(opened, jobSchema, 'GET', `/${added.id}`);
  expect(job.history).toMatchObject([{ number: 1, end: 'done' }]);
  expect((await fits(opened, valuesSchema, 'GET', `/${added.id}/values`)).input).toEqual({ do: 'steps', count: 3 });
  const again = { plugin: 'workbench', input: { do: 'steps', count: 3 }, key: 'once' };
  expect(await fits(opened, addedSchema, 'POST', '', again)).toMatchObject({ id: added.id, isNew: false });
});

it('integers of any size and bytes go both ways packed, and are digits and base64 in JSON', async () => {
  const api = await openApi(WORKBENCH);
  const value = { big: 2n ** 70n, bytes: Buffer.from([1, 2, 3]) };
  const body = packValue({ plugin: 'workbench', input: { value } }, 'body');
  const packed: Ask = { headers: { 'content-type': PACKED_VALUE, accept: PACKED_VALUE }, body };
  const { id } = (await api.ask('POST', '/api/jobs', packed)).value;
  await ended(api, id);
  const { bytes } = await api.ask('GET', `/api/jobs/${id}/values`, { headers: { accept: PACKED_VALUE } });
  expect(unpackValue(bytes)).toEqual({ input: { value }, result: value });
  const plain = await api.ask('GET', `/api/jobs/${id}/values`);
  expect(plain.bytes.toString()).toContain('{"big":1180591620717411303424,"bytes":"AQID"}');
});

it('the jobs of a graph take results of each other by the references that are stored', async () => {
  const api = await openApi(WORKBENCH);
  const { jobs } = await fits(api, addedGraphSchema, 'POST', '/graph', {
    jobs: {
      last: { plugin: 'workbench', input: { value: { $$: [{ '$greenroom.output': 'first', at: '/text' }] } } },
      first: { plugin: 'workbench', input: { value: { text: 'seen' } } },
    },
  });
  expect((await ended(api, jobs.last.id)).state).toBe('done');
  expect((await fits(api, valuesSchema, 'GET', `/${jobs.last.id}/values`)).result).toEqual({ $$: ['seen'] });
  const after = { plugin: 'workbench', input: { value: { '$greenroom.output': jobs.first.id } } };
  const { id } = await fits(api, addedSchema, 'POST', '', after);
  await ended(api, id);
  expect((await fits(api, valuesSchema, 'GET', `/${id}/values`)).result).toEqual({ text: 'seen' });
});

it('jobs are listed by plugin, state and beginning, page by page, and counted', async () => {
  const api = await openApi(WORKBENCH);
  const ids: string[] = [];
  for (const plugin of ['unknown', 'unknown', 'workbench'])
    ids.unshift((await fits(api, addedSchema, 'POST', '', { plugin, input: { value: 1 } })).id);
  await ended(api, ids[0] as string);
  const idsOf = ({ jobs }: Loose): string[] => jobs.map(({ id }: Loose) => id);
  const first = await fits(api, jobPageSchema, 'GET', '?limit=2');
  expect(idsOf(first)).toEqual(ids.slice(0, 2));
  expect(idsOf(await fits(api, jobPageSchema, 'GET', `?limit=2&cursor=${first.next}`))).toEqual(ids.slice(2));
  expect(idsOf(await fits(api, jobPageSchema, 'GET', '?plugin=workbench&state=done'))).toEqual(ids.slice(0, 1));
  expect(idsOf(await fits(api, jobPageSchema, 'GET', `?prefix=${ids[1]?.slice(0, 18)}`))).toEqual([ids[1]]);
  expect(await fits(api, countsSchema, 'GET', '/counts')).toEqual({
    counts: { unknown: { waiting: 2 }, workbench: { done: 1 } },
  });
  for (const wrong of ['?limit=0', '?state=gone', '?prefix=x', '?cursor=x', '?nothing=1'])
    expect((await api.ask('GET', `/api/jobs${wrong}`)).value).toMatchObject({ code: 'E_OPTIONS', status: 400 });
});

it('jobs are cancelled, moved, run again and removed, and plugins paused', async () => {
  const api = await openApi(WORKBENCH);
  expect(await fits(api, pausedSchema, 'POST', '/pause', { plugin: 'workbench' })).toEqual({ plugins: ['workbench'] });
  const { id } = await fits(api, addedSchema, 'POST', '', { plugin: 'workbench', input: { value: 7 } });
  expect(await fits(api, jobSchema, 'PUT', `/${id}/priority`, { priority: 5 })).toMatchObject({ priority: 5 });
  await fits(api, jobSchema, 'POST', `/${id}/first`);
  const refused = await api.ask('POST', `/api/jobs/${id}/retry`);
  expect(refused).toMatchObject({ status: 409, value: { code: 'E_JOB' } });
  expect(await fits(api, endSchema, 'POST', `/${id}/cancel`)).toEqual({ state: 'cancelled' });
  expect((await fits(api, jobSchema, 'POST', `/${id}/retry`)).state).toBe('waiting');
  expect(await fits(api, pausedSchema, 'GET', '/paused')).toEqual({ plugins: ['workbench'] });
  expect(await fits(api, pausedSchema, 'POST', '/resume', {})).toEqual({ plugins: [] });
  expect((await ended(api, id)).state).toBe('done');
  expect((await api.ask('DELETE', `/api/jobs/${id}`)).status).toBe(204);
  expect((await api.ask('GET', `/api/jobs/${id}`)).value).toMatchObject({ code: 'E_JOB' });
});

it('a job that runs is cancelled at its worker, and whoever follows all jobs is told', async () => {
  const api = await openApi(WORKBENCH);
  const all = await api.events('GET', '/api/jobs/events');
  const input = { do: 'wait', for: door(api).file };
  const { id } = await fits(api, addedSchema, 'POST', '', { plugin: 'workbench', input });
  const one = await api.events('GET', `/api/jobs/${id}/events`);
  await expect.poll(() => one.told.at(-1)?.data.state).toBe('running');
  expect(await fits(api, endSchema, 'POST', `/${id}/cancel`)).toEqual({ state: 'cancelled' });
  await expect.poll(() => all.told.at(-1)?.data).toMatchObject({ id, state: 'cancelled' });
});

it('streams of jobs end for HEAD, with their reader and with their job, and none is a fault', async () => {
  const api = await openApi(WORKBENCH);
  const { id } = await fits(api, addedSchema, 'POST', '', { plugin: 'unknown' });
  for (const path of ['/events', `/${id}/events`, `/${id}/events?changes=false`]) {
    expect((await api.ask('HEAD', `/api/jobs${path}`)).headers['content-type']).toContain('text/event-stream');
    const { response } = await api.events('GET', `/api/jobs${path}`);
    response.destroy();
  }
  expect((await api.ask('GET', '/api/jobs/none/events')).value).toMatchObject({ code: 'E_JOB' });
  const reader = await api.events('GET', `/api/jobs/${id}/events`);
  await fits(api, endSchema, 'POST', `/${id}/cancel`);
  expect((await reader.ended).at(-1)).toMatchObject({ event: 'job', data: { state: 'cancelled' } });
  expect(api.errors).toEqual([]);
});

it('a job that is not valid is refused with what is wrong', async () => {
  const api = await openApi(WORKBENCH);
  for (const [body, detail] of [
    [{}, 'plugin: missing'],
    [{ plugin: 'workbench', attempts: 0 }, 'a whole number from 1 to 1000'],
    [{ plugin: 'workbench', prority: 1 }, 'did you mean "priority"?'],
  ] as const)
    expect((await api.ask('POST', '/api/jobs', { body })).value).toMatchObject({
      code: 'E_OPTIONS',
      detail: expect.stringContaining(detail) as string,
    });
  const waits = await fits(api, addedSchema, 'POST', '', { plugin: 'workbnech' });
  expect(waits.waitsFor).toContain('"workbench"');
});
