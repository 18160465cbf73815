import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CallToolResultSchema,
  CreateTaskResultSchema,
  TaskStatusNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { GreenroomError } from '../../src/index.ts';
import { eventuallyTrue } from '../eventually.ts';
import { openSession } from './in-memory.ts';
import { openMcp } from './opened.ts';
import { connectTasks, openMcpWithJobs } from './opened-tasks.ts';

const SERVER = fileURLToPath(new URL('../fixtures/mcp/server.mjs', import.meta.url));

const text = (value: string) => [{ type: 'text', text: value }];

test('a call as a task is a job, whose progress, states and result the official client gets', async () => {
  const { port, jobs, scratch } = await openMcpWithJobs();
  const client = await connectTasks(`http://127.0.0.1:${port}/mcp`);
  expect(client.getServerCapabilities()?.tasks).toEqual({ list: {}, cancel: {}, requests: { tools: { call: {} } } });
  const { tools } = await client.listTools();
  expect(tools.every(({ execution }) => execution?.taskSupport === 'optional')).toBe(true);
  const statuses: string[] = [];
  client.setNotificationHandler(TaskStatusNotificationSchema, ({ params }) => void statuses.push(params.status));
  const progress: unknown[] = [];
  const door = join(scratch, 'door');
  const stream = client.experimental.tasks.callToolStream(
    { name: 'node__wait', arguments: { door, journal: join(scratch, 'journal') } },
    CallToolResultSchema,
    { task: { ttl: 600_000 }, onprogress: ({ message }) => void progress.push(message) },
  );
  const seen: string[] = [];
  let last: unknown;
  for await (const message of stream) {
    seen.push(message.type);
    last = message;
    if (message.type === 'taskCreated') {
      const { taskId, ...task } = message.task;
      expect(task).toMatchObject({ status: 'working', ttl: 600_000, pollInterval: 500 });
      expect(await jobs.read(taskId)).toMatchObject({ plugin: 'node', tool: 'wait', attempts: 1 });
    }
    // It has been told by the session's stream before anybody asked.
    if (message.type === 'taskStatus' && message.task.statusMessage === 'waiting') writeFileSync(door, '');
  }
  expect(seen[0]).toBe('taskCreated');
  expect(last).toMatchObject({ type: 'result', result: { content: text('waited') } });
  await eventuallyTrue(() => statuses.at(-1) === 'completed');
  expect(progress).toEqual(['waiting']);
});

test('the result of a task is that of a direct call, a failure too', async () => {
  const { port } = await openMcpWithJobs();
  const client = await connectTasks(`http://127.0.0.1:${port}/mcp/node`);
  const { tasks } = client.experimental;
  for (const params of [
    { name: 'add', arguments: { a: 2, b: 3 } },
    { name: 'album', arguments: {} },
    { name: 'fail', arguments: { message: 'no such note' } },
    { name: 'letters', arguments: {} },
    { name: 'pieces', arguments: { items: ['a text', { n: 1.5 }, [null]] } },
    { name: 'pieces', arguments: { items: [] } },
  ]) {
    const direct = await client.callTool(params);
    const asked = { method: 'tools/call', params: { ...params, task: {} } } as const;
    const { task } = await client.request(asked, CreateTaskResultSchema);
    expect(task.ttl).toBe(30 * 86_400_000);
    const { _meta, ...result } = await tasks.getTaskResult(task.taskId, CallToolResultSchema);
    expect(result).toEqual(direct);
    expect(_meta).toEqual({ 'io.modelcontextprotocol/related-task': { taskId: task.taskId } });
    const { status, statusMessage } = await tasks.getTask(task.taskId);
    expect([status, statusMessage]).toEqual(
      params.name === 'fail' ? ['failed', 'no such note'] : ['completed', undefined],
    );
  }
});

test('a task is cancelled, which its worker sees, and no second time', async () => {
  const { port, scratch } = await openMcpWithJobs();
  const client = await connectTasks(`http://127.0.0.1:${port}/mcp/node`);
  const { tasks } = client.experimental;
  const journal = join(scratch, 'journal');
  const stream = tasks.callToolStream(
    { name: 'wait', arguments: { door: join(scratch, 'door'), journal } },
    CallToolResultSchema,
    { task: {} },
  );
  const { value } = (await stream.next()) as { value: { task: { taskId: string } } };
  const { taskId } = value.task;
  const result = tasks.getTaskResult(taskId, CallToolResultSchema);
  await eventuallyTrue(async () => (await tasks.getTask(taskId)).statusMessage === 'waiting');
  expect(await tasks.cancelTask(taskId)).toMatchObject({ taskId, status: 'cancelled' });
  await eventuallyTrue(() => existsSync(journal));
  expect(await result).toMatchObject({ isError: true });
  await expect(tasks.cancelTask(taskId)).rejects.toMatchObject({ code: -32602, message: /is cancelled already/ });
  await stream.return();
});

test('a task of a tool that streams tells each item as progress, and has all of them as its result', async () => {
  const { port, scratch } = await openMcpWithJobs();
  const client = await connectTasks(`http://127.0.0.1:${port}/mcp/node`);
  const door = join(scratch, 'door');
  const items = ['one', { two: 2 }, 'x'.repeat(5_000)];
  const progress: unknown[] = [];
  const stream = client.experimental.tasks.callToolStream(
    { name: 'pieces', arguments: { items, door } },
    CallToolResultSchema,
    { task: {}, onprogress: (told) => void progress.push(told) },
  );
  let last: unknown;
  for await (const message of stream) {
    last = message;
    if (message.type !== 'taskStatus' || message.task.statusMessage?.startsWith('xxx') !== true) continue;
    expect(message.task.statusMessage.length).toBeLessThan(1_100);
    writeFileSync(door, '');
  }
  expect(last).toMatchObject({ type: 'result', result: { content: text(JSON.stringify(items)) } });
  // What came between two looks at the task is not told.
  expect(progress.at(-1)).toMatchObject({ message: expect.stringMatching(/^xxx.* more characters/) });
});

test('a task of a tool that streams is cancelled, which its worker sees', async () => {
  const { port, scratch } = await openMcpWithJobs();
  const client = await connectTasks(`http://127.0.0.1:${port}/mcp/node`);
  const { tasks } = client.experimental;
  const journal = join(scratch, 'journal');
  const given = { items: ['begun'], door: join(scratch, 'door'), journal };
  const asked = { method: 'tools/call', params: { name: 'pieces', arguments: given, task: {} } } as const;
  const { taskId } = (await client.request(asked, CreateTaskResultSchema)).task;
  await eventuallyTrue(async () => (await tasks.getTask(taskId)).statusMessage === 'begun');
  expect(await tasks.cancelTask(taskId)).toMatchObject({ taskId, status: 'cancelled' });
  await eventuallyTrue(() => existsSync(journal));
});

test('each address lists the tasks of the tools that it shows, a page at a time, and no other jobs', async () => {
  const { port, jobs } = await openMcpWithJobs({ node: { fixture: 'showcase' }, other: { fixture: 'showcase' } });
  await jobs.add('node', { value: 1 }, { tool: 'echo' });
  const at = (path: string) => connectTasks(`http://127.0.0.1:${port}/mcp${path}`);
  const [all, one, few] = [await at(''), await at('/other'), await at('?allow=node__echo')];
  const begin = async (client: typeof all, name: string): Promise<string> => {
    const task = client.experimental.tasks.callToolStream({ name, arguments: { value: 'x' } }, CallToolResultSchema, {
      task: {},
    });
    const { value } = (await task.next()) as { value: { task: { taskId: string } } };
    return value.task.taskId;
  };
  const ofNode = await begin(all, 'node__echo');
  const ofOther = await begin(all, 'other__echo');
  const many: string[] = [];
  for (let each = 0; each < 120; each += 1) many.push(await begin(one, 'echo'));
  const listed = async (client: typeof all): Promise<string[][]> => {
    const pages: string[][] = [];
    let cursor: string | undefined;
    do {
      const page = await client.experimental.tasks.listTasks(cursor);
      pages.push(page.tasks.map(({ taskId }) => taskId));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return pages;
  };
  const newestFirst = many.toReversed();
  const pages = await listed(all);
  expect(pages.length).toBeGreaterThan(1);
  expect(pages.flat()).toEqual([...newestFirst, ofOther, ofNode]);
  expect((await listed(one)).flat()).toEqual([...newestFirst, ofOther]);
  expect((await listed(few)).flat()).toEqual([ofNode]);
  const unseen = { code: -32602, message: /Unknown task/ };
  await expect(few.experimental.tasks.getTask(ofOther)).rejects.toMatchObject(unseen);
  await expect(one.experimental.tasks.cancelTask(ofNode)).rejects.toMatchObject(unseen);
  await expect(all.experimental.tasks.listTasks('next')).rejects.toMatchObject({ code: -32602 });
});

test('what cannot be a task is refused, and can be called without', async () => {
  const { port, jobs } = await openMcpWithJobs();
  const client = await connectTasks(`http://127.0.0.1:${port}/mcp/node`);
  const asTask = (name: string, given: object, task: object = {}) =>
    client.request({ method: 'tools/call', params: { name, arguments: { ...given }, task } }, CallToolResultSchema);
  await expect(asTask('ad', {})).rejects.toMatchObject({ code: -32602, message: /"add"/ });
  await expect(asTask('add', { a: 1, b: 'two' })).rejects.toMatchObject({ code: -32602, message: /b.*number/ });
  await expect(asTask('add', {}, { ttl: 'long' })).rejects.toMatchObject({ code: -32602, message: /"ttl"/ });
  expect((await jobs.list()).jobs).toEqual([]);
  const { task } = (await asTask('add', { a: 1, b: 2 }, { ttl: 1e18 })) as unknown as { task: { ttl: number } };
  expect(task.ttl).toBe(30 * 86_400_000);
  const unknown = client.experimental.tasks.getTask('x'.repeat(100_000));
  expect(String(await unknown.catch((error: unknown) => error)).length).toBeLessThan(300);
});

test('tools of servers of MCP are refused as tasks of the joined front, and can be called without', async () => {
  const { port } = await openMcpWithJobs({ server: { worker: 'mcp', command: process.execPath, args: [SERVER] } });
  const client = await connectTasks(`http://127.0.0.1:${port}/mcp`);
  const call = { name: 'server__echo', arguments: { text: 'hi' } };
  await expect(
    client.request({ method: 'tools/call', params: { ...call, task: {} } }, CallToolResultSchema),
  ).rejects.toMatchObject({ code: -32601, message: /cannot be run as a task/ });
  expect((await client.callTool(call)).content).toEqual(text('hi'));
});

test('where jobs cannot be kept, a task is refused by name, and calls go on', async () => {
  const refused = new GreenroomError('E_JOB_STORE', 'The store of jobs cannot be used.');
  const { port } = await openMcp({ node: { fixture: 'showcase' } }, {}, { jobs: () => Promise.reject(refused) });
  const client = await connectTasks(`http://127.0.0.1:${port}/mcp/node`);
  const params = { name: 'add', arguments: { a: 1, b: 2 } };
  await expect(
    client.request({ method: 'tools/call', params: { ...params, task: {} } }, CallToolResultSchema),
  ).rejects.toMatchObject({
    code: -32603,
    message: /The store of jobs cannot be used.*Without "task"/,
    data: { code: 'E_JOB_STORE' },
  });
  expect(await client.callTool(params)).toMatchObject({ structuredContent: { sum: 3 } });
});

test('a front without jobs, and an older revision, have no tasks', async () => {
  const { port } = await openMcp({ node: { fixture: 'showcase' } });
  const client = await connectTasks(`http://127.0.0.1:${port}/mcp/node`);
  expect(client.getServerCapabilities()).not.toHaveProperty('tasks');
  expect((await client.listTools()).tools.every(({ execution }) => execution === undefined)).toBe(true);
  const { begin, ask, service } = openSession();
  Object.assign(service, { tasks: {} });
  service.list = async () => [{ name: 'do', execution: { taskSupport: 'optional' } }];
  expect((await begin('2025-06-18')).result.capabilities).toEqual({ tools: { listChanged: true } });
  expect((await ask('tools/list')).result.tools).toEqual([{ name: 'do' }]);
  expect((await ask('tasks/list')).error.code).toBe(-32601);
  await ask('tools/call', { name: 'do', task: {} });
  expect(service.calls).toHaveLength(1);
});

test('the compact front begins tasks of the tools that it calls', async () => {
  const { port, jobs } = await openMcpWithJobs();
  const client = await connectTasks(`http://127.0.0.1:${port}/mcp?compact=1`);
  await client.listTools();
  const stream = client.experimental.tasks.callToolStream(
    { name: 'call_tool', arguments: { name: 'node__add', arguments: { a: 2, b: 3 } } },
    CallToolResultSchema,
    { task: {} },
  );
  let last: unknown;
  for await (const message of stream) last = message;
  expect(last).toMatchObject({ type: 'result', result: { structuredContent: { sum: 5 } } });
  expect((await jobs.list()).jobs).toMatchObject([{ plugin: 'node', tool: 'add', state: 'done' }]);
});
