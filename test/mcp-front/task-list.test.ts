import { ListTasksResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import type { Jobs } from '../../src/jobs/index.ts';
import { newTaskKey } from '../../src/mcp-front/tasks/task-key.ts';
import { eventuallyTrue } from '../eventually.ts';
import { connectTasks, openMcpWithJobs } from './opened-tasks.ts';

type Client = Awaited<ReturnType<typeof connectTasks>>;

/** Adds so many jobs that are tasks, or none where `key` says so; resolves to their identifiers, oldest first. */
async function add(
  jobs: Jobs,
  plugin: string,
  count: number,
  key: () => string | undefined = () => newTaskKey(600_000),
): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const names = Array.from({ length: Math.min(1_000, count - ids.length) }, (_, at) => `${at}`);
    const graph = Object.fromEntries(
      names.map((name) => [name, { plugin, tool: 'echo', input: { value: 1 }, key: key() }]),
    );
    const added = await jobs.addAll(graph);
    ids.push(...names.map((name) => added[name]?.id ?? ''));
  }
  return ids;
}

interface Page {
  readonly ids: readonly string[];
  readonly bytes: number;
}

async function* pagesOf(client: Client): AsyncGenerator<Page> {
  let cursor: string | undefined;
  do {
    const page = await client.experimental.tasks.listTasks(cursor);
    yield { ids: page.tasks.map(({ taskId }) => taskId), bytes: JSON.stringify(page).length };
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

test('of 10,000 tasks each is listed once, in pages of bounded size, while others begin, end and are removed', async () => {
  const { port, jobs } = await openMcpWithJobs();
  await jobs.pause();
  const ids = await add(jobs, 'node', 10_000);
  const client = await connectTasks(`http://127.0.0.1:${port}/mcp`);
  const newestFirst = ids.toReversed();
  const listed: string[] = [];
  const removed: string[] = [];
  let pages = 0;
  for await (const page of pagesOf(client)) {
    pages += 1;
    expect(page.ids.length).toBeLessThan(150);
    expect(page.bytes).toBeLessThan(100_000);
    listed.push(...page.ids);
    if (pages % 10 !== 0) continue;
    await add(jobs, 'node', 3);
    // One that was listed, the next one, and one far behind.
    const at = listed.length + removed.length;
    const [before, next, later] = [newestFirst[at - 1], newestFirst[at], newestFirst[at + 700]];
    for (const id of [before, next, later]) if (id !== undefined) await jobs.cancel(id);
    if (next === undefined) continue;
    await jobs.remove(next);
    removed.push(next);
  }
  expect(pages).toBeGreaterThan(66);
  expect(listed).toEqual(newestFirst.filter((id) => !removed.includes(id)));
}, 120_000);

test("tasks behind thousands of jobs that are none are found, a plugin's own at once", async () => {
  const { port, jobs } = await openMcpWithJobs({ node: { fixture: 'showcase' }, other: { fixture: 'showcase' } });
  await jobs.pause();
  const [first] = await add(jobs, 'node', 1);
  await add(jobs, 'other', 5_000, () => undefined);
  const [last] = await add(jobs, 'other', 1);
  const pages = async (path: string): Promise<readonly (readonly string[])[]> => {
    const found: (readonly string[])[] = [];
    for await (const { ids } of pagesOf(await connectTasks(`http://127.0.0.1:${port}/mcp${path}`))) found.push(ids);
    return found;
  };
  expect((await pages('')).flat()).toEqual([last, first]);
  for (const path of ['/node', '/node?allow=*', '/node?compact=1']) expect(await pages(path)).toEqual([[first]]);
}, 60_000);

test('a page of tasks that failed with long messages is of bounded size, and the result has the message whole', async () => {
  const { port, jobs } = await openMcpWithJobs();
  const message = 'no such note '.repeat(800);
  const failing = Array.from({ length: 60 }, () =>
    jobs.add('node', { message }, { tool: 'fail', attempts: 1, key: newTaskKey(600_000) }),
  );
  const added = await Promise.all(failing);
  await eventuallyTrue(async () => (await jobs.counts())['node']?.failed === 60);
  const client = await connectTasks(`http://127.0.0.1:${port}/mcp`);
  const { value: page } = (await pagesOf(client).next()) as { value: Page };
  expect(page.ids).toHaveLength(60);
  expect(page.bytes).toBeLessThan(200_000);
  const read = await jobs.read(added[0]?.id ?? '');
  expect(read.error?.remote?.message === message).toBe(true);
});

test.each(['next', '', '1e3', ' 1', '9'.repeat(17), '01890a5d-ac96-774b-bcce-b302099a8057', 5, null, {}, ['1']])(
  'the cursor %j is refused as a wrong parameter',
  async (cursor) => {
    const { port, jobs } = await openMcpWithJobs();
    await add(jobs, 'node', 1);
    const client = await connectTasks(`http://127.0.0.1:${port}/mcp`);
    const params = { cursor } as { cursor: string };
    const asked = client.request({ method: 'tasks/list', params }, ListTasksResultSchema);
    await expect(asked).rejects.toMatchObject({ code: -32602, message: /"cursor" must be the "nextCursor"/ });
  },
);
