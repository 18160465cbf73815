import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { InspectorOptions } from '../../../src/inspector/index.ts';
import type { CallPayload, CallRecord } from '../../../src/inspector/wire.ts';
import type { CallsNow, PageCallLine, ToolsAnswer } from '../../../src/inspector/wire-calls.ts';
import { eventuallyTrue } from '../../eventually.ts';
import { type Answer, type Bench, endAfterTest, get, inspect, openBench, Reader } from '../bench.ts';

/** An inspector of the plugin `bench`, and how to ask it. */
async function open(options: InspectorOptions = {}, manifest: Record<string, unknown> = {}) {
  const bench = await openBench(manifest);
  const { port, token } = await inspect(bench.inspected, options);
  const authorization = `Bearer ${token}`;
  const ask = (path: string): Promise<Answer> => get(port, path, { authorization });
  const post = (path: string, body: unknown, type = 'application/json'): Promise<Answer> =>
    get(port, path, { authorization, 'content-type': type }, { method: 'POST', body: JSON.stringify(body) });
  const calls = async (query = ''): Promise<CallsNow> => JSON.parse((await ask(`/api/calls${query}`)).body) as CallsNow;
  const call = async (body: unknown): Promise<PageCallLine[]> => linesOf((await post('/api/call', body)).body);
  return { bench, port, token, ask, post, calls, call };
}

const linesOf = (text: string): PageCallLine[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as PageCallLine);

/** A call that waits for a file, and how it ends. */
function waiting(
  { supervisor, folder }: Bench,
  name: string,
): { readonly file: string; readonly end: Promise<unknown> } {
  const file = join(folder, name);
  const end = supervisor.execute('bench', { do: 'wait', for: file, value: name }).catch((error: unknown) => error);
  endAfterTest(async () => writeFileSync(file, ''));
  return { file, end };
}

describe('the calls, over HTTP', () => {
  it('are those that run, with what they were given, the figures of all, and those that failed', async () => {
    const { bench, ask, calls } = await open();
    await bench.supervisor.execute('bench', { do: 'fail' }).catch(() => {});
    await bench.supervisor.execute('bench', { value: 1 });
    const { file, end } = waiting(bench, 'file');
    await eventuallyTrue(async () => (await calls()).running[0]?.progress === 0);
    const { running, runningCount, figures, past, payloads } = await calls('?plugin=bench&past=1');
    expect([runningCount, payloads]).toEqual([1, true]);
    expect(figures).toMatchObject([
      { plugin: 'bench', ended: 2, failed: 1 },
      { plugin: 'bench', tool: 'execute', ended: 2, failed: 1 },
    ]);
    expect(past).toMatchObject([{ edge: 'end', outcome: 'E_REMOTE', errorType: 'RangeError' }]);
    const own = await ask(`/api/calls/${running[0]?.call}`);
    expect(JSON.parse(own.body)).toEqual({ input: { do: 'wait', for: file, value: 'file' } });
    const { stack } = JSON.parse((await ask(`/api/payload/${past?.[0]?.seq}`)).body) as CallPayload;
    expect(stack).toContain('RangeError');
    expect((await calls('?plugin=other')).figures).toEqual([]);
    writeFileSync(file, '');
    await end;
    expect((await ask(`/api/calls/${running[0]?.call}`)).body).toBe('null');
    expect((await calls()).running).toEqual([]);
  });

  it('are in an export with what is kept of them, and not in the stream', async () => {
    const { bench, port, token, ask } = await open();
    const reader = new Reader(port, token);
    await reader.sync();
    await bench.supervisor.execute('bench', { value: 'kept' });
    const told = (await reader.record((record) => record.kind === 'call' && record.edge === 'end')) as CallRecord;
    expect(told.payloadSize).toBeGreaterThan(0);
    expect(told.payload).toBeUndefined();
    const [header, ...lines] = (await ask('/api/export')).body.trimEnd().split('\n');
    expect(JSON.parse(header ?? '')).toMatchObject({ version: 1, calls: [{ plugin: 'bench', ended: 1 }, {}] });
    const exported = lines.map((line) => JSON.parse(line) as CallRecord).find(({ seq }) => seq === told.seq);
    expect(exported?.payload).toEqual({ input: { value: 'kept' }, output: 'kept' });
  });

  it('are cancelled one at a time, those that wait too, where that is allowed', async () => {
    const { bench, post, calls } = await open({ control: true }, { max_concurrency: 1 });
    const [first, second, third] = ['first', 'second', 'third'].map((name) => waiting(bench, name));
    await eventuallyTrue(
      async () => (await calls()).running.length === 3 && (await calls()).running[0]?.part === 'run',
    );
    const { running } = await calls();
    const cancel = (call: string | undefined) => post('/api/control', { action: 'cancel', plugin: 'bench', call });
    expect((await cancel(running[2]?.call)).status).toBe(202);
    expect(await third?.end).toMatchObject({ code: 'E_CANCELLED' });
    expect((await cancel(running[0]?.call)).status).toBe(202);
    expect(await first?.end).toMatchObject({ code: 'E_CANCELLED' });
    writeFileSync(second?.file ?? '', '');
    expect(await second?.end).toBe('second');
    expect((await post('/api/control', { action: 'load', plugin: 'bench', call: '1' })).status).toBe(400);
  });
});

describe('a call of the page', () => {
  it('is not there without control', async () => {
    const { post, ask } = await open();
    expect((await post('/api/call', { plugin: 'bench' })).status).toBe(405);
    expect((await ask('/api/tools/bench')).status).toBe(404);
  });

  it('gives what it says of its progress, and its result or its error without secrets', async () => {
    const { bench, port, token, call } = await open({ control: true });
    const reader = new Reader(port, token);
    await reader.sync();
    const done = await call({ plugin: 'bench', input: { do: 'report', message: 'half', value: 1 } });
    expect(done).toMatchObject([
      { type: 'progress', progress: 0.5, message: 'half' },
      { type: 'result', value: null },
    ]);
    expect(await call({ plugin: 'bench', input: { value: { password: 'hunter2' } } })).toMatchObject([
      { type: 'result', value: { password: '[redacted]' } },
    ]);
    const [failed] = await call({ plugin: 'bench', input: { do: 'fail' } });
    expect(failed).toMatchObject({ type: 'error', code: 'E_REMOTE', errorType: 'RangeError' });
    expect(await call({ plugin: 'bench', tool: 'nothing', input: {} })).toMatchObject([
      { type: 'error', code: 'E_INPUT' },
    ]);
    await reader.record((record) => record.kind === 'control' && record.outcome === 'failed');
    const controls = reader.records().filter((record) => record.kind === 'control');
    expect(controls[0]).toMatchObject({ action: 'call', outcome: 'asked', message: 'execute', actor: 'plugin:bench' });
    expect(JSON.stringify(controls)).not.toContain('hunter2');
    expect(bench.errors).toEqual([]);
  });

  it('gives the chunks of a stream, and is cancelled when the page leaves', async () => {
    const { bench, port, token, call } = await open({ control: true });
    const lines = await call({ plugin: 'bench', input: { count: 3 }, stream: true });
    expect(lines.map(({ type }) => type)).toEqual(['chunk', 'chunk', 'chunk', 'result']);
    const leaving = new AbortController();
    const response = await fetch(`http://127.0.0.1:${port}/api/call`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ plugin: 'bench', input: { do: 'wait', for: join(bench.folder, 'never') } }),
      signal: leaving.signal,
    });
    await response.body?.getReader().read();
    leaving.abort();
    const about = async () => (await bench.supervisor.execute('bench', { do: 'about' })) as { cancelled: number };
    await eventuallyTrue(async () => (await about()).cancelled === 1);
  });

  it('is refused with what is wrong: another type, no JSON, no such plugin, more than 1 MiB', async () => {
    const { post, port } = await open({ control: true });
    expect((await post('/api/call', { plugin: 'bench' }, 'text/plain')).status).toBe(415);
    expect((await post('/api/call', { tool: 'x' })).status).toBe(400);
    expect((await post('/api/call', { plugin: 'none' })).status).toBe(404);
    const long = await post('/api/call', { plugin: 'bench', input: 'x'.repeat(2 ** 20) });
    expect([long.status, long.body]).toEqual([413, expect.stringContaining('1048576 bytes') as string]);
    expect((await get(port, '/api/call', { 'content-type': 'application/json' }, { method: 'POST' })).status).toBe(401);
  });

  it('knows the tools of a plugin without starting it', async () => {
    const schema = { type: 'object', properties: { path: { type: 'string' } } };
    const declared = await open(
      { control: true },
      { tools: [{ name: 'read', description: 'Reads a file.', input_schema: schema }] },
    );
    const { tools } = JSON.parse((await declared.ask('/api/tools/bench')).body) as ToolsAnswer;
    expect(tools).toEqual([{ name: 'read', description: 'Reads a file.', input: schema }]);
    const other = await open({ control: true });
    expect(JSON.parse((await other.ask('/api/tools/bench')).body)).toEqual({});
    expect(other.bench.supervisor.plugin('bench').snapshot().state).toBe('discovered');
    expect((await other.ask('/api/tools/none')).status).toBe(404);
  });
});
