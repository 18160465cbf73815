import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { GreenroomError } from '../../src/index.ts';
import { withNothingDone } from '../../src/jobs/job-errors.ts';
import type { JsonObject } from '../../src/mcp/json-rpc.ts';
import { TOKEN } from '../api/opened.ts';
import { eventuallyTrue } from '../eventually.ts';
import { ACCEPT, modernRequest, openMcp } from './opened.ts';
import { KNOWS_TASKS, openMcpWithJobs } from './opened-tasks.ts';

const text = (value: string) => [{ type: 'text', text: value }];

/** What a client asks that knows tasks. */
function asker({ modern }: Awaited<ReturnType<typeof openMcp>>) {
  return async (method: string, params: JsonObject = {}) => {
    const headers = { ...(typeof params['taskId'] === 'string' && { 'mcp-name': params['taskId'] }) };
    const { status, value } = await modern(method, { ...params, _meta: KNOWS_TASKS }, { path: '/mcp/node', headers });
    return { status, ...value };
  };
}

test('a call that takes long is answered with its task, which has the result once it has ended', async () => {
  const opened = await openMcpWithJobs();
  const ask = asker(opened);
  const { capabilities } = (await ask('server/discover')).result;
  expect(capabilities).toMatchObject({ extensions: { 'io.modelcontextprotocol/tasks': {} } });
  expect(capabilities).not.toHaveProperty('tasks');
  const { tools } = (await ask('tools/list')).result as { tools: JsonObject[] };
  expect(tools.every(({ execution }) => execution === undefined)).toBe(true);
  const door = join(opened.scratch, 'door');
  const { result } = await ask('tools/call', { name: 'wait', arguments: { door, journal: 'none' } });
  expect(result).toMatchObject({
    resultType: 'task',
    taskId: expect.any(String),
    status: 'working',
    statusMessage: 'waiting',
    ttlMs: 30 * 86_400_000,
    pollIntervalMs: 500,
  });
  const { taskId } = result;
  const events = await opened.modernStream(
    'subscriptions/listen',
    { notifications: { taskIds: [taskId, 'another'] }, _meta: KNOWS_TASKS },
    { path: '/mcp/node' },
  );
  const told = (at: number): Promise<JsonObject> =>
    eventuallyTrue(() => events.told.at(at)?.data as JsonObject | undefined);
  expect(await told(0)).toMatchObject({ params: { notifications: { taskIds: [taskId] } } });
  expect(await told(1)).toMatchObject({ method: 'notifications/tasks', params: { taskId, status: 'working' } });
  expect((await ask('tasks/update', { taskId, inputResponses: {} })).result).toMatchObject({ resultType: 'complete' });
  writeFileSync(door, '');
  const completed = { taskId, status: 'completed', result: { content: text('waited') } };
  await eventuallyTrue(async () => (await ask('tasks/get', { taskId })).result.status === 'completed');
  expect((await ask('tasks/get', { taskId })).result).toMatchObject({ ...completed, resultType: 'complete' });
  expect(await told(2)).toMatchObject({ method: 'notifications/tasks', params: completed });
});

test('a call of a tool that streams is a task once it takes long, whose result has all items', async () => {
  const opened = await openMcpWithJobs();
  const ask = asker(opened);
  const door = join(opened.scratch, 'door');
  const { result } = await ask('tools/call', { name: 'pieces', arguments: { items: ['one ', 'two'], door } });
  expect(result).toMatchObject({ resultType: 'task', status: 'working', statusMessage: 'two' });
  writeFileSync(door, '');
  const { taskId } = result;
  await eventuallyTrue(async () => (await ask('tasks/get', { taskId })).result.status === 'completed');
  expect((await ask('tasks/get', { taskId })).result).toMatchObject({ result: { content: text('one two') } });
});

test('a call that ends at once is answered with its result, a failure too, and leaves no job', async () => {
  const opened = await openMcpWithJobs();
  const ask = asker(opened);
  const { modern, jobs } = opened;
  for (const params of [
    { name: 'add', arguments: { a: 2, b: 3 } },
    { name: 'add', arguments: { a: 2 } },
    { name: 'fail', arguments: { message: 'no such note' } },
    { name: 'letters', arguments: {} },
  ]) {
    const direct = await modern('tools/call', params, { path: '/mcp/node' });
    expect((await ask('tools/call', params)).result).toEqual(direct.value.result);
  }
  await eventuallyTrue(async () => (await jobs.list()).jobs.length === 0);
});

test('a call that the store of jobs refuses is made without it, unless it may have been stored', async () => {
  const opened = await openMcpWithJobs();
  const ask = asker(opened);
  const fault = new GreenroomError('E_JOB_STORE', 'The disk is full.');
  const refuse = vi.spyOn(opened.jobs, 'add').mockRejectedValue(fault);
  const call = { name: 'add', arguments: { a: 2, b: 3 } };
  expect((await ask('tools/call', call)).result).toMatchObject({ isError: true, content: text('The disk is full.') });
  refuse.mockRejectedValue(withNothingDone(fault));
  expect((await ask('tools/call', call)).result).toMatchObject({ structuredContent: { sum: 5 } });
});

test('a task is cancelled, which its worker sees', async () => {
  const opened = await openMcpWithJobs();
  const ask = asker(opened);
  const journal = join(opened.scratch, 'journal');
  const call = { name: 'wait', arguments: { door: join(opened.scratch, 'door'), journal } };
  const { taskId } = (await ask('tools/call', call)).result;
  expect((await ask('tasks/cancel', { taskId })).result).toMatchObject({ resultType: 'complete' });
  await eventuallyTrue(async () => (await ask('tasks/get', { taskId })).result.status === 'cancelled');
  await eventuallyTrue(() => existsSync(journal));
  expect((await ask('tasks/get', { taskId })).result).not.toHaveProperty('result');
  // It is heard all the same.
  expect((await ask('tasks/cancel', { taskId })).result).toMatchObject({ resultType: 'complete' });
});

test('closing the connection cancels a call that is no task yet', async () => {
  const { port, scratch, jobs } = await openMcpWithJobs();
  const journal = join(scratch, 'journal');
  const { message, headers } = modernRequest('tools/call', {
    name: 'wait',
    arguments: { door: join(scratch, 'door'), journal },
    _meta: KNOWS_TASKS,
  });
  const gone = new AbortController();
  const asked = { method: 'POST', headers: { ...ACCEPT, ...headers, authorization: `Bearer ${TOKEN}` } };
  const url = `http://127.0.0.1:${port}/mcp/node`;
  const sent = fetch(url, { ...asked, body: JSON.stringify(message), signal: gone.signal });
  sent.catch(() => {});
  const begun = async (): Promise<boolean> => (await jobs.list()).jobs[0]?.progress?.message === 'waiting';
  await eventuallyTrue(begun);
  gone.abort();
  await eventuallyTrue(async () => (await jobs.list({ state: 'cancelled' })).jobs.length === 1);
  await eventuallyTrue(() => existsSync(journal));
});

test('a client that does not know tasks gets none, and none of another', async () => {
  const opened = await openMcpWithJobs();
  const { modern, jobs, scratch } = opened;
  const at = { path: '/mcp/node' };
  await modern('tools/call', { name: 'add', arguments: { a: 1, b: 2 } }, at);
  expect((await jobs.list()).jobs).toEqual([]);
  const door = join(scratch, 'door');
  writeFileSync(door, '');
  const { id } = await jobs.add('node', { door }, { tool: 'wait' });
  const missing = {
    code: -32021,
    data: { requiredCapabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } } },
  };
  const headers = { 'mcp-name': id };
  expect(await modern('tasks/get', { taskId: id }, { ...at, headers })).toMatchObject({
    status: 400,
    value: { error: missing },
  });
  const listen = await modern('subscriptions/listen', { notifications: { taskIds: [id] } }, at);
  expect(listen.value.error).toMatchObject(missing);
  const ask = asker(opened);
  // It is a job of somebody, and no task.
  expect((await ask('tasks/get', { taskId: id })).error).toMatchObject({ code: -32602, message: /Unknown task/ });
  expect(await ask('tasks/list')).toMatchObject({ status: 404, error: { code: -32601 } });
});

test('where jobs cannot be opened, calls go on without tasks', async () => {
  const refused = new GreenroomError('E_JOB_STORE', 'The store of jobs cannot be used.');
  const opened = await openMcp({ node: { fixture: 'showcase' } }, {}, { jobs: () => Promise.reject(refused) });
  const ask = asker(opened);
  const { result } = await ask('tools/call', { name: 'add', arguments: { a: 1, b: 2 } });
  expect(result).toMatchObject({ resultType: 'complete', structuredContent: { sum: 3 } });
  expect((await ask('tasks/get', { taskId: 'x' })).error).toMatchObject({ data: { code: 'E_JOB_STORE' } });
});
