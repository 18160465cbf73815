import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EventFeed } from '../../src/api/event-feed.ts';
import { PACKED_VALUE, packValue, unpackValue } from '../../src/api/packed-value.ts';
import { EventStream } from '../../src/server/event-stream.ts';
import { eventually, eventuallyTrue } from '../eventually.ts';
import { endAfterTest, serve } from '../server/served.ts';
import { Events, type OpenedApi, openApi, send } from './opened.ts';

const WORKBENCH = { workbench: { fixture: 'workbench', max_concurrency: 4 } };
const CALL = '/api/plugins/workbench/tools/execute';

describe('a value', () => {
  it('of JSON comes and goes as it is, with integers of any size in digits and bytes as base64', async () => {
    const api = await openApi(WORKBENCH);
    const json = '{"value":{"big":123456789012345678901234567890,"list":[1,2.5,null,"é"]}}';
    const { bytes } = await api.ask('POST', CALL, {
      body: json,
      headers: { 'content-type': 'application/json; charset=utf-8' },
    });
    expect(bytes.toString()).toBe('{"big":123456789012345678901234567890,"list":[1,2.5,null,"é"]}');
    expect((await api.ask('POST', CALL)).value).toBe(null);
    expect((await api.call('workbench', { value: 'x'.repeat(2_000_000) })).value).toHaveLength(2_000_000);
  });

  it('that is packed has bytes and integers of any size, both ways', async () => {
    const api = await openApi(WORKBENCH);
    const value = { bytes: new Uint8Array([0, 255, 1]), big: 2n ** 80n, list: [new Uint8Array(0), 'é'] };
    const headers = { 'content-type': PACKED_VALUE, accept: PACKED_VALUE };
    const answer = await api.ask('POST', CALL, { headers, body: packValue({ value }, 'input') });
    expect(answer.headers['content-type']).toBe(PACKED_VALUE);
    const bytes = Buffer.from(value.bytes);
    expect(unpackValue(answer.bytes)).toEqual({ ...value, bytes, list: [Buffer.alloc(0), 'é'] });
    for (const body of [
      Buffer.from([1]),
      Buffer.from([0, 0, 0, 9, 0, 0, 0, 0]),
      Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 120]),
    ]) {
      const broken = await api.ask('POST', CALL, { headers, body });
      expect([broken.status, broken.value.detail]).toEqual([400, expect.stringContaining('not a packed value')]);
    }
  });
});

describe('a form', () => {
  const BOUNDARY = 'xyz';
  const part = (name: string, content: string, more = '', type = ''): string =>
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n${type}\r\n${content}\r\n`;
  const form = (api: OpenedApi, ...parts: string[]) =>
    api.ask('POST', CALL, {
      headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
      body: Buffer.from(`${parts.join('')}--${BOUNDARY}--\r\n`, 'latin1'),
    });
  const file = (name: string, content: string): string =>
    part(name, content, '; filename="a.bin"', 'Content-Type: application/octet-stream\r\n');

  it('brings files as bytes, JSON and texts as fields, and lists of what comes again', async () => {
    const api = await openApi(WORKBENCH);
    const content = Buffer.from(Array.from({ length: 100_000 }, (_, n) => n % 256));
    const hashed = await form(api, part('do', 'hash'), file('value', content.toString('latin1')));
    expect(hashed.value).toEqual({
      type: expect.stringMatching(/Buffer|Uint8Array/),
      sha256: createHash('sha256').update(content).digest('hex'),
    });
    const browser = new FormData();
    browser.set('input', JSON.stringify({ value: { a: [1] } }));
    const encoded = new Response(browser);
    const typed = await api.ask('POST', CALL, {
      headers: { 'content-type': encoded.headers.get('content-type') ?? '' },
      body: Buffer.from(await encoded.arrayBuffer()),
    });
    expect(typed.value).toEqual({ a: [1] });
    const values = await form(
      api,
      part('value', '1'),
      part('value', '"two"'),
      part('value', 'three'),
      file('value', 'abc'),
    );
    expect(values.value).toEqual([1, 'two', 'three', Buffer.from('abc').toString('base64')]);
    expect((await form(api, part('value', '12345678901234567890'))).value).toBe(12345678901234567890n);
    expect((await form(api, part('value', ''))).value).toBe('');
    expect((await form(api)).value).toBe(null);
  });

  it('that is broken or too large is refused, whatever of it', async () => {
    const api = await openApi(WORKBENCH);
    const ask = async (type: string, body: string | Buffer): Promise<[number, string]> => {
      const { status, value } = await api.ask('POST', CALL, { headers: { 'content-type': type }, body });
      return [status, value?.detail];
    };
    const type = `multipart/form-data; boundary=${BOUNDARY}`;
    const end = `--${BOUNDARY}--\r\n`;
    const refused = [400, expect.stringContaining('The form cannot be read')];
    expect(await ask('multipart/form-data', `${part('a', '1')}${end}`)).toEqual(refused);
    expect(await ask(type, part('a', '1'))).toEqual(refused);
    expect(await ask(type, file('a', 'abc'))).toEqual(refused);
    expect(await ask(type, 'nonsense')).toEqual(refused);
    expect(await ask(type, '')).toEqual(refused);
    expect(await ask(type, `${part('input', '{')}${end}`)).toEqual(refused);
    expect(await ask(type, `${part('input', '[1]')}${end}`)).toEqual(refused);
    expect(await ask(type, `--${BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nx\r\n${end}`)).toEqual(refused);
    expect(await ask(type, `${part('a', 'x'.repeat(8 * 1024 * 1024 + 1))}${end}`)).toEqual([
      400,
      expect.stringContaining('send it as a file'),
    ]);
    const many = Array.from({ length: 1_001 }, () => part('a', '1')).join('');
    expect(await ask(type, `${many}${end}`)).toEqual([400, expect.stringContaining('1000 parts')]);
    expect((await form(api, part('__proto__', '{"do":"about"}'))).value).toBe(null);
  });
});

describe('a call that is followed', () => {
  it('tells of its progress and its result, or its error', async () => {
    const api = await openApi(WORKBENCH);
    const done = await api.events('POST', CALL, { body: { do: 'steps', count: 3 } });
    expect(done.response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    const told = await done.ended;
    expect(told.map(({ event }) => event)).toEqual(['progress', 'progress', 'progress', 'result']);
    expect(told[0]?.data).toEqual({ progress: 1 / 3, message: 'step 1' });
    expect(told.at(-1)?.data).toBe('done');
    const failed = await (await api.events('POST', CALL, { body: { do: 'fail' } })).ended;
    expect(failed).toMatchObject([{ event: 'error', data: { status: 422, code: 'E_REMOTE' } }]);
    const packed = await api.events('POST', CALL, {
      body: '{"value":1152921504606846977}',
      headers: { 'content-type': 'application/json', accept: `text/event-stream, ${PACKED_VALUE}` },
    });
    const [result] = await packed.ended;
    expect(unpackValue(Buffer.from(String(result?.data), 'base64'))).toBe(1152921504606846977n);
  });

  it('of a stream tells each chunk, and then the end or the error', async () => {
    const api = await openApi(WORKBENCH);
    const chunks = await (await api.events('POST', `${CALL}?stream=true`, { body: { count: 3 } })).ended;
    expect(chunks.map(({ event, data }) => [event, data?.index])).toEqual([
      ['chunk', 0],
      ['chunk', 1],
      ['chunk', 2],
      ['result', undefined],
    ]);
    const failing = await (await api.events('POST', `${CALL}?stream=true`, { body: { failAt: 2 } })).ended;
    expect(failing.map(({ event }) => event)).toEqual(['chunk', 'chunk', 'error']);
  });

  it('that is refused at once has the status of its error', async () => {
    const api = await openApi({ ...WORKBENCH, off: { fixture: 'workbench' } });
    await api.ask('POST', '/api/plugins/off/disable');
    for (const query of ['', '?stream=true']) {
      const headers = { accept: 'text/event-stream' };
      const off = await api.ask('POST', `/api/plugins/off/tools/execute${query}`, { body: {}, headers });
      expect([query, off.status, off.value?.code]).toEqual([query, 409, 'E_DISABLED']);
      const options = `${query === '' ? '?' : `${query}&`}timeoutMs=0`;
      const wrong = await api.ask('POST', CALL + options, { body: {}, headers });
      expect([query, wrong.status, wrong.value?.code]).toEqual([query, 400, 'E_OPTIONS']);
    }
  });

  it('is cancelled, whichever way, when its client goes', async () => {
    const api = await openApi(WORKBENCH, { streamIdleMs: 60_000 });
    await api.ask('POST', '/api/plugins/workbench/load', { body: {} });
    const file = join(api.scratch, 'never');
    const cancelled = async (): Promise<number> => (await api.call('workbench', { do: 'about' })).value.cancelled;
    const followed = await api.events('POST', CALL, { body: { do: 'wait', for: file } });
    await followed.first('progress');
    followed.response.destroy();
    await eventually(async () => expect(await cancelled()).toBe(1));
    const stream = await api.events('POST', `${CALL}?stream=true`, { body: { pause: 5 } });
    await stream.first('chunk');
    stream.response.destroy();
    await eventually(async () => expect(await cancelled()).toBe(2));
    const inFlight = (count: number) => eventuallyTrue(() => api.snapshot('workbench').inFlight === count);
    await inFlight(0);
    const plain = send(api.port, 'POST', CALL, { body: { do: 'wait', for: file } });
    plain.catch(() => {});
    await inFlight(1);
    // The request was taken, and nothing of its answer has come.
    await api.server.close(0);
    await expect(plain).rejects.toThrow();
    await eventually(async () =>
      expect(await api.supervisor.execute('workbench', { do: 'about' })).toMatchObject({ cancelled: 3 }),
    );
  });

  it('by a slow reader waits for it, instead of gathering what the plugin yields', async () => {
    const api = await openApi(WORKBENCH, { streamIdleMs: 60_000 });
    const response = await send(api.port, 'POST', `${CALL}?stream=true`, { body: { size: 64 * 1024 } });
    response.pause();
    const produced = async (): Promise<number> => (await api.call('workbench', { do: 'about' })).value.produced;
    // It stands still once every buffer between the two is full.
    let last = -1;
    await eventually(
      async () => {
        const now = await produced();
        const isStill = now === last && now > 10;
        last = now;
        if (!isStill) throw new Error(`it still produces: ${now}`);
      },
      { interval: 200 },
    );
    expect(last * 64 * 1024).toBeLessThan(64 * 1024 * 1024);
    const { memoryRssMb } = (await api.ask('GET', '/api/plugins/workbench/stats')).value;
    expect(memoryRssMb).toBeLessThan(400);
    response.destroy();
    await eventually(async () => expect((await api.call('workbench', { do: 'about' })).value.cancelled).toBe(1));
  });
});

it('the traceparent of a request is that of its call; what is no traceparent is ignored', async () => {
  const api = await openApi(WORKBENCH);
  const given = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const seen = async (traceparent: string): Promise<unknown> =>
    (await api.ask('POST', CALL, { body: { do: 'traceparent' }, headers: { traceparent } })).value;
  expect(await seen(given)).toBe(given);
  for (const wrong of ['', 'x', given.toUpperCase(), `${given}, ${given}`]) expect(await seen(wrong)).toBe(null);
  const stream = await api.events('POST', `${CALL}?stream=true`, {
    body: { do: 'traceparent' },
    headers: { traceparent: given },
  });
  expect(await stream.ended).toMatchObject([{ event: 'chunk', data: given }, { event: 'result' }]);
});

describe('the events of a supervisor', () => {
  const EVENTS = '/api/events';

  it('begin with a snapshot, tell what happens, and go on after the last that a reader had', async () => {
    const api = await openApi(WORKBENCH);
    const reader = await api.events('GET', EVENTS);
    const { data, id } = await reader.first('snapshot');
    expect(data).toMatchObject({
      state: 'running',
      plugins: [{ name: 'workbench', state: 'discovered' }],
      problems: [],
    });
    await api.call('workbench', {});
    await eventuallyTrue(() => reader.told.some(({ event, data: { to } }) => event === 'transition' && to === 'ready'));
    expect(reader.names).toContain('decision');
    const resumed = await api.events('GET', EVENTS, { headers: { 'last-event-id': id ?? '' } });
    await eventuallyTrue(() => resumed.told.length >= reader.told.length - 1);
    expect(resumed.told[0]).toEqual(reader.told[1]);
    expect(resumed.names).not.toContain('snapshot');
    for (const last of [`00000000-1`, `${id?.split('-')[0]}-999999`, 'x', '-', `${id}x`]) {
      const other = await api.events('GET', EVENTS, { headers: { 'last-event-id': last } });
      expect([last, (await eventuallyTrue(() => other.told[0])).event]).toEqual([last, 'snapshot']);
    }
    writeFileSync(join(api.plugins, 'broken.json'), '{');
    await api.ask('POST', '/api/discover');
    expect((await reader.first('problem')).data).toMatchObject({ problems: [{ severity: 'error' }] });
    api.front.close();
    await reader.ended;
  });

  it('are remembered to a bound: a reader that comes again after more than that gets a snapshot', async () => {
    const api = await openApi(WORKBENCH);
    const feed = new EventFeed(api.supervisor, 4);
    endAfterTest(() => feed.close());
    const { port } = await serve([
      {
        path: '/events',
        handle: ({ request, response }) =>
          feed.follow(new EventStream(response), request.headers['last-event-id'] as string | undefined),
      },
    ]);
    const follow = async (last?: string): Promise<Events> =>
      new Events(await send(port, 'GET', '/events', { headers: last === undefined ? {} : { 'last-event-id': last } }));
    const first = await (await follow()).first('snapshot');
    await api.call('workbench', {});
    const reader = await follow();
    const [snapshot] = await eventuallyTrue(() => (reader.told.length > 0 ? reader.told : undefined));
    expect(snapshot?.event).toBe('snapshot');
    for (const act of ['unload', 'load', 'unload', 'load']) await api.ask('POST', `/api/plugins/workbench/${act}`);
    await eventuallyTrue(() => reader.told.length > 10);
    const behind = await follow(first.id);
    expect((await eventuallyTrue(() => behind.told[0])).event).toBe('snapshot');
    const near = await follow(reader.told.at(-2)?.id);
    expect((await eventuallyTrue(() => near.told[0])).event).not.toBe('snapshot');
  });

  it('are opened by a ticket, once, without the token', async () => {
    const api = await openApi(WORKBENCH);
    const { ticket } = (await api.ask('POST', '/api/tickets')).value;
    const headers = { authorization: '' };
    const reader = await api.events('GET', `${EVENTS}?ticket=${ticket}`, { headers });
    await reader.first('snapshot');
    expect((await api.ask('GET', `${EVENTS}?ticket=${ticket}`, { headers })).status).toBe(401);
    const other = (await api.ask('POST', '/api/tickets')).value.ticket;
    expect((await api.ask('GET', `/api/plugins?ticket=${other}`, { headers })).status).toBe(401);
    const third = (await api.ask('POST', '/api/tickets')).value.ticket;
    const { response } = await api.events('GET', `/api/jobs/events?ticket=${third}`, { headers });
    expect(response.statusCode).toBe(200);
    expect((await api.ask('GET', `/api/jobs/events?ticket=${third}`, { headers })).status).toBe(401);
    response.destroy();
    const closed = once(reader.response, 'close');
    api.front.finish?.();
    await closed;
  });
});
