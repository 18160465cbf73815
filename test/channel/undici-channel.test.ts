// Longer than others because the channel has many ways to go wrong, each of which needs a worker played by hand.

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createUndiciChannel, type UndiciChannel } from '../../src/channel/undici-channel.ts';
import type { CallInFlight, OutgoingCall, SendCall } from '../../src/channel/worker-channel.ts';
import {
  json,
  ManyLines,
  Moment,
  ndjson,
  never,
  PausedReader,
  type Played,
  playHttp,
  playRaw,
  reply,
  told,
} from './played-worker.ts';

type StreamingChannel = UndiciChannel & { readonly stream: SendCall };

function channelTo(
  played: Played,
  concurrency = 1,
  control = played,
  capabilities = ['cleanup', 'stream'],
): StreamingChannel {
  const channel = createUndiciChannel({
    plugin: 'talker',
    address: played.address,
    control: control.address,
    token: 'secret',
    concurrency,
    capabilities,
  });
  onTestFinished(() => channel.close());
  return channel as StreamingChannel;
}

const input = { args: '[]', kwargs: '{}', bytes: [] };

function outgoing(id: string, tool?: string): OutgoingCall {
  return { id, input, tool, integers: 'bigint' };
}

describe('a call over undici', () => {
  it.each(['unix', 'tcp'] as const)('sends its body and token and hands on the result, at %s', async (where) => {
    const seen: unknown[] = [];
    const played = await playHttp((request, response, sent) => {
      seen.push([request.method, request.url, request.headers.authorization, request.headers['content-type'], sent]);
      reply(response, 200, { result: { ok: [1] } });
    }, where);
    const channel = channelTo(played);
    const so = await told((sink) => channel.execute(outgoing('c'), sink));
    expect(so).toMatchObject({ result: { ok: [1] }, outcomes: 1 });
    expect(seen).toEqual([
      ['POST', '/execute', 'Bearer secret', 'application/json', '{"call":"c","args":[],"kwargs":{}}'],
    ]);
  });

  it('is never given the answer of another call', async () => {
    const connections = new Set<unknown>();
    const played = await playHttp((request, response, sent) => {
      connections.add(request.socket);
      const { call } = JSON.parse(sent);
      const named = call === 'second' ? 'first' : call;
      response.setHeader('greenroom-call', named);
      if (request.url === '/execute') reply(response, 200, { result: named });
      else response.writeHead(200, ndjson).end(`{"chunk":"${named}"}\n{"end":true}\n`);
    });
    const channel = channelTo(played);
    for (const way of ['execute', 'stream'] as const) {
      expect(await told((sink) => channel[way](outgoing('first'), sink))).toMatchObject({ outcomes: 1 });
      const so = await told((sink) => channel[way](outgoing('second'), sink));
      expect(so).toMatchObject({ error: { code: 'E_PROTOCOL', plugin: 'talker' }, chunks: [], outcomes: 1 });
      expect(so.error?.message).toContain('answered call second with the answer of call first');
      expect((await told((sink) => channel[way](outgoing('third'), sink))).error).toBeUndefined();
    }
    // The connection on which the answers had got out of order is not used again.
    expect(connections.size).toBe(3);
  });

  it.each([
    ['with its length', true],
    ['in pieces', false],
  ])('hands on a result of 30 MB sent %s', async (_how, whole) => {
    const big = JSON.stringify({ result: 'ü'.repeat(15 * 1024 * 1024) });
    const played = await playHttp((_request, response) => {
      response.writeHead(200, whole ? { ...json, 'content-length': Buffer.byteLength(big) } : json);
      response.end(big);
    });
    const channel = channelTo(played);
    const so = await told((sink) => channel.execute(outgoing('c'), sink));
    expect(so.error).toBeUndefined();
    expect((so.result as string).length).toBe(15 * 1024 * 1024);
  });

  it.each(['execute', 'stream'] as const)('is ended when its answer to %s goes on without end', async (way) => {
    const block = Buffer.alloc(1024 * 1024, 'x');
    const left = new Moment();
    const played = await playHttp((_request, response) => {
      response.on('close', left.happen);
      const more = (): void => {
        while (response.writable && response.write(block));
      };
      response.writeHead(200, json).write('{"result":"');
      response.on('drain', more);
      more();
    });
    const channel = channelTo(played);
    const so = await told((sink) => channel[way](outgoing('c'), sink));
    expect(so).toMatchObject({ error: { code: 'E_PROTOCOL', plugin: 'talker' }, outcomes: 1 });
    expect(so.error?.message).toContain('more than 256 MiB');
    await left.happened;
  });

  it('hands on progress before the result', async () => {
    const played = await playHttp((_request, response) => {
      response.writeHead(200, ndjson);
      response.write('{"progress":0.1}\n');
      response.end('{"progress":0.9,"message":"soon"}\n{"result":3}\n');
    });
    const channel = channelTo(played);
    const so = await told((sink) => channel.execute(outgoing('c'), sink));
    expect(so).toMatchObject({
      progress: [
        [0.1, undefined],
        [0.9, 'soon'],
      ],
      result: 3,
      last: 'result',
      outcomes: 1,
    });
  });

  it('hands on the chunks of a stream', async () => {
    const played = await playHttp((request, response) => {
      expect(request.url).toBe('/execute_stream');
      response.writeHead(200, ndjson);
      response.end('{"chunk":1}\n{"chunk":"zwei"}\n{"end":true}\n');
    });
    const channel = channelTo(played);
    const so = await told((sink) => channel.stream(outgoing('c'), sink));
    expect(so).toMatchObject({ chunks: [1, 'zwei'], last: 'result', outcomes: 1 });
  });

  it.each([
    ['E_REMOTE', 400, { error: { type: 'ValueError', message: 'no', category: 'input' } }, { category: 'input' }],
    [
      'E_REMOTE',
      500,
      { error: { type: 'E', message: 'm', category: 'odd', retryable: 1 } },
      { category: 'fatal', retryable: false },
    ],
    ['E_REMOTE', 503, { error: {} }, { type: 'Error', message: '', category: 'fatal', retryable: false }],
    ['E_REMOTE', 200, { error: 'text' }, { type: 'Error', message: 'text' }],
    ['E_SERIALIZE', 500, { error: { type: 'SerializeError', message: 'NaN' } }, { type: 'SerializeError' }],
  ])('makes an %s of an error sent with status %i', async (code, status, answer, remote) => {
    const channel = channelTo(await playHttp((_request, response) => reply(response, status, answer)));
    for (const kind of ['execute', 'stream'] as const) {
      const so = await told((sink) => channel[kind](outgoing('c'), sink));
      expect(so).toMatchObject({ outcomes: 1, error: { code, plugin: 'talker', remote } });
      expect(so.error?.message).toContain('talker');
    }
  });

  it.each([
    ['text that is no JSON', 'execute', 200, 'text/plain', 'Hello'],
    ['an empty body', 'execute', 200, 'application/json', ''],
    ['no body', 'execute', 204, 'application/json', ''],
    ['JSON that is no answer', 'execute', 200, 'application/json', '{"answer":1}'],
    ['a bare value', 'execute', 200, 'application/json', '7'],
    ['a result with another status', 'execute', 500, 'application/json', '{"result":1}'],
    ['a page', 'execute', 502, 'text/html', '<h1>Bad gateway</h1>'],
    ['one result for a stream', 'stream', 200, 'application/json', '{"result":1}'],
    ['chunks for an execute', 'execute', 200, 'application/x-ndjson', '{"chunk":1}\n{"result":1}\n'],
    ['a line that is no frame', 'stream', 200, 'application/x-ndjson', '{"hello":1}\n{"end":true}\n'],
    ['bytes that are no UTF-8', 'execute', 200, 'application/json', Buffer.from([0xff, 0xfe, 0x00])],
  ] as const)('makes an E_PROTOCOL of %s', async (_what, kind, status, type, text) => {
    const played = await playHttp((_request, response) => {
      response.writeHead(status, { 'content-type': type }).end(text);
    });
    const channel = channelTo(played);
    const so = await told((sink) => channel[kind](outgoing('c'), sink));
    expect(so).toMatchObject({ outcomes: 1, error: { code: 'E_PROTOCOL', plugin: 'talker' } });
  });

  it('makes an E_PROTOCOL of what is not HTTP', async () => {
    const channel = channelTo(await playRaw((socket) => socket.end('I speak no HTTP.\r\n\r\n')));
    const so = await told((sink) => channel.execute(outgoing('c'), sink));
    expect(so).toMatchObject({ outcomes: 1, error: { code: 'E_PROTOCOL' } });
    await expect(channel.health(never)).rejects.toMatchObject({ code: 'E_PROTOCOL' });
  });

  const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/';
  it.each([
    ['no answer at all', ''],
    ['half a head', 'HTTP/1.1 200 OK\r\ncontent-'],
    ['half a result', `${head}json\r\ncontent-length: 100\r\n\r\n{"result":`],
    ['half a chunked result', `${head}json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"res`],
    [
      'a whole result of a chunked body that is not ended',
      `${head}json\r\ntransfer-encoding: chunked\r\n\r\nc\r\n{"result":1}\r\n`,
    ],
    ['a stream without its end', `${head}x-ndjson\r\ntransfer-encoding: chunked\r\n\r\nc\r\n{"chunk":1}\n\r\n`],
    ['a stream that is ended without its last frame', `${head}x-ndjson\r\ncontent-length: 12\r\n\r\n{"chunk":1}\n`],
  ])('makes an E_CRASHED, once, of %s', async (_what, text) => {
    for (const end of ['end', 'destroy'] as const) {
      const played = await playRaw((socket) => {
        socket.write(text, () => socket[end]());
      });
      const channel = channelTo(played);
      const kind = text.includes('ndjson') ? 'stream' : 'execute';
      const so = await told((sink) => channel[kind](outgoing('c'), sink));
      expect(so).toMatchObject({ outcomes: 1, last: 'error', error: { code: 'E_CRASHED', plugin: 'talker' } });
      expect(so.error?.message).toContain('talker');
    }
  });

  it('makes an E_CRASHED of a worker that is not there, and never sends twice', async () => {
    let requests = 0;
    const played = await playRaw((socket) => {
      requests += 1;
      socket.destroy();
    });
    const channel = channelTo(played);
    await told((sink) => channel.execute(outgoing('c'), sink));
    expect(requests).toBe(1);
    await played.stop();
    const so = await told((sink) => channel.execute(outgoing('c'), sink));
    expect(so).toMatchObject({ outcomes: 1, error: { code: 'E_CRASHED' } });
  });

  it('is not held up by an answer that goes on after its last frame', async () => {
    let first = true;
    const played = await playHttp((_request, response) => {
      if (!first) return reply(response, 200, { result: 'next' });
      first = false;
      response.writeHead(200, ndjson).write('{"end":true}\n');
      const timer = setInterval(() => response.write('{"chunk":1}\n'), 1);
      response.on('close', () => clearInterval(timer));
      return undefined;
    });
    const channel = channelTo(played);
    const so = await told((sink) => channel.stream(outgoing('c'), sink));
    expect(await told((sink) => channel.execute(outgoing('d'), sink))).toMatchObject({ result: 'next', outcomes: 1 });
    expect(so).toMatchObject({ chunks: [], outcomes: 1, last: 'result' });
  });

  it('stops reading while paused, so that the worker feels it, and goes on where it was', async () => {
    const lines = new ManyLines(`{"chunk":"${'x'.repeat(1000)}"}\n`, '{"end":true}\n');
    const channel = channelTo(await playHttp((_request, response) => lines.sendTo(response)));
    const reader = new PausedReader((sink) => channel.stream(outgoing('c'), sink));
    await lines.full.happened;
    // The health of the same process is a later turn of everything; nothing may have moved by then.
    const control = channelTo(
      await playHttp((_request, response) => reply(response, 200, { status: 'ok', pid: 1, nonce: '' })),
    );
    await control.health(never);
    const [gotThen, sentThen] = [reader.got, lines.sent];
    for (let turn = 0; turn < 20; turn++) await control.health(never);
    expect([reader.got, lines.sent]).toEqual([gotThen, sentThen]);
    expect(lines.sent).toBeLessThan(lines.total);
    reader.resume();
    expect(await reader.outcome).toMatchObject({ outcomes: 1, last: 'result' });
    expect(reader.got).toBe(lines.total);
  });

  it('takes the next call after one that was paused as its last chunk came', async () => {
    const played = await playHttp((_request, response) => {
      response.writeHead(200, ndjson).end('{"chunk":1}\n{"end":true}\n');
    });
    const channel = channelTo(played);
    for (let round = 0; round < 2; round += 1) {
      const so = await told((sink) => {
        const call: CallInFlight = channel.stream(outgoing('c'), {
          ...sink,
          onProgress: sink.onProgress.bind(sink),
          onResult: sink.onResult.bind(sink),
          onError: sink.onError.bind(sink),
          onChunk: (chunk, length) => {
            sink.onChunk(chunk, length);
            call.pause();
          },
        });
        return call;
      });
      expect(so).toMatchObject({ chunks: [1], outcomes: 1 });
    }
  });

  it('stays paused when it was paused before the answer began', async () => {
    const played = await playHttp((_request, response) => {
      response.writeHead(200, ndjson).end('{"chunk":1}\n{"end":true}\n');
    });
    const channel = channelTo(played);
    let call: CallInFlight | undefined;
    let ended = false;
    const outcome = told((sink) => {
      call = channel.stream(outgoing('c'), sink);
      call.pause();
      return call;
    }).then((so) => {
      ended = true;
      return so;
    });
    const other = channelTo(await playHttp((_request, response) => reply(response, 200, { result: 1 })));
    for (let turn = 0; turn < 20; turn++) await told((sink) => other.execute(outgoing('d'), sink));
    expect(ended).toBe(false);
    call?.resume();
    expect(await outcome).toMatchObject({ chunks: [1], outcomes: 1, last: 'result' });
  });

  it('ends calls in flight and calls that wait with E_CRASHED, once, when it is closed', async () => {
    const arrival = new Moment();
    const channel = channelTo(await playHttp(() => arrival.happen()));
    const calls = ['a', 'b'].map((call) => told((sink) => channel.execute(outgoing(call), sink)));
    await arrival.happened;
    channel.close();
    channel.close();
    for (const so of await Promise.all(calls)) expect(so).toMatchObject({ outcomes: 1, error: { code: 'E_CRASHED' } });
    expect(await told((sink) => channel.stream(outgoing('late'), sink))).toMatchObject({
      outcomes: 1,
      error: { code: 'E_CRASHED' },
    });
    await expect(channel.health(never)).rejects.toMatchObject({ code: 'E_CRASHED' });
  });

  it('runs as many calls at once as the worker takes', async () => {
    const waiting: ServerResponse[] = [];
    const played = await playHttp((_request, response) => {
      waiting.push(response);
      if (waiting.length === 8) for (const each of waiting) reply(each, 200, { result: 'all here' });
    });
    const channel = channelTo(played, 8);
    const calls = Array.from({ length: 8 }, (_, n) => told((sink) => channel.execute(outgoing(`c${n}`), sink)));
    for (const so of await Promise.all(calls)) expect(so).toMatchObject({ result: 'all here', outcomes: 1 });
  });
});

describe('everything but calls over undici', () => {
  it('asks as the protocol says and hands on what is answered, while a call holds its connection', async () => {
    const seen: unknown[] = [];
    const answers: Record<string, unknown> = {
      '/health': { status: 'ok', pid: 7, nonce: 'n', name: 'talker' },
      '/cancel': { outcome: 'requested' },
      '/release': { outcome: 'released' },
      '/config': { a: 1 },
      '/config_schema': null,
    };
    let held: ServerResponse | undefined;
    const played = await playHttp((request, response, sent) => {
      if (request.url === '/execute') {
        held = response;
        return;
      }
      seen.push([request.method, request.url, sent, request.headers.authorization === 'Bearer secret']);
      const answer = answers[request.url ?? ''];
      reply(response, 200, answer === undefined ? { status: 'ok' } : answer);
    });
    const channel = channelTo(played);
    const call = told((sink) => channel.execute(outgoing('c'), sink));
    expect(await channel.health(never)).toMatchObject({ pid: 7, nonce: 'n' });
    expect(await channel.cancel('c')).toBe('requested');
    expect(await channel.release(never)).toBe(true);
    answers['/release'] = { outcome: 'unsupported' };
    expect(await channel.release(never)).toBe(false);
    expect(await channel.config.get(never)).toEqual({ a: 1 });
    expect(await channel.config.schema(never)).toBeNull();
    await channel.config.initialize({ b: 2 }, never);
    await channel.cleanup(never);
    expect(seen).toEqual([
      ['GET', '/health', '', true],
      ['POST', '/cancel', '{"call":"c"}', true],
      ['POST', '/release', '{}', true],
      ['POST', '/release', '{}', true],
      ['GET', '/config', '', true],
      ['GET', '/config_schema', '', true],
      ['POST', '/initialize', '{"config":{"b":2}}', true],
      ['POST', '/cleanup', '{}', true],
    ]);
    if (held !== undefined) reply(held, 200, { result: 1 });
    expect(await call).toMatchObject({ result: 1 });
  });

  it.each([
    [[], []],
    [['settle'], ['/cleanup']],
    [
      ['settle', 'cleanup'],
      ['/cleanup', '/cleanup'],
    ],
  ])('with the capabilities %j asks for a cleanup only where there is something to do', async (capabilities, asked) => {
    const paths: (string | undefined)[] = [];
    const began = new Moment();
    let held: ServerResponse | undefined;
    const played = await playHttp((request, response) => {
      if (request.url === '/execute') {
        held = response;
        began.happen();
        return;
      }
      paths.push(request.url);
      reply(response, 200, { status: 'ok' });
    });
    const channel = channelTo(played, 1, played, capabilities);
    const call = told((sink) => channel.execute(outgoing('c'), sink));
    await began.happened;
    await channel.cleanup(never);
    if (held !== undefined) reply(held, 200, { result: 1 });
    await call;
    await channel.cleanup(never);
    expect(paths).toEqual(asked);
  });

  it('lists the tools of a worker that has them, and names one in a call only where one is called', async () => {
    const bodies: string[] = [];
    const schema = { type: 'object' };
    const played = await playHttp((request, response, sent) => {
      if (request.url === '/tools') {
        reply(response, 200, { tools: [{ name: 'read', input_schema: schema, streams: true, title: 'not ours' }] });
        return;
      }
      bodies.push(sent);
      if (request.url === '/execute') reply(response, 200, { result: 1 });
      else response.writeHead(200, ndjson).end('{"end":true}\n');
    });
    const channel = channelTo(played, 1, played, ['stream', 'tools']);
    expect(await channel.tools?.(never)).toEqual([{ name: 'read', input_schema: schema, streams: true }]);
    await told((sink) => channel.execute(outgoing('a'), sink));
    await told((sink) => channel.execute(outgoing('b', 'read'), sink));
    await told((sink) => channel.stream(outgoing('c', 'read'), sink));
    expect(bodies).toEqual([
      '{"call":"a","args":[],"kwargs":{}}',
      '{"call":"b","tool":"read","args":[],"kwargs":{}}',
      '{"call":"c","tool":"read","args":[],"kwargs":{}}',
    ]);
    expect(channelTo(played).tools).toBeUndefined();
  });

  it.each([
    [[], 'expected an object, got a list'],
    [{ tools: 5 }, 'tools: expected a list, got 5'],
    [{ tools: [{ name: 'a' }, {}] }, 'tools.1.name: missing'],
    [{ tools: [{ name: 'a b' }] }, 'tools.0.name: expected 1 to 64 letters'],
    [{ tools: [{ name: 'a', input_schema: 'x' }] }, 'tools.0.input_schema: expected an object, got "x"'],
    [{ tools: [{ name: 'a' }, { name: 'a' }] }, 'tools.1.name: "a" is already the name of tools.0'],
  ])('makes an E_PROTOCOL of %j as a list of tools, which names the place', async (answer, reason) => {
    const played = await playHttp((_request, response) => reply(response, 200, answer));
    const asked = channelTo(played, 1, played, ['tools']).tools?.(never);
    await expect(asked).rejects.toMatchObject({
      code: 'E_PROTOCOL',
      message: expect.stringContaining(
        `The worker of "talker" answered /tools with a list that is not valid: ${reason}`,
      ),
    });
  });

  it('rejects with the error of the plugin, and with E_PROTOCOL where the answer makes no sense', async () => {
    let answer: ((response: ServerResponse) => void) | undefined;
    const channel = channelTo(await playHttp((_request, response) => answer?.(response)));
    answer = (response) =>
      reply(response, 400, { error: { type: 'ValueError', message: 'no such model', category: 'input' } });
    await expect(channel.config.initialize({}, never)).rejects.toMatchObject({
      code: 'E_REMOTE',
      remote: { type: 'ValueError', category: 'input' },
    });
    answer = (response) => response.writeHead(200).end('what?');
    await expect(channel.config.get(never)).rejects.toMatchObject({ code: 'E_PROTOCOL' });
    answer = (response) => reply(response, 404, { nothing: true });
    await expect(channel.cleanup(never)).rejects.toMatchObject({ code: 'E_PROTOCOL' });
    answer = (response) => reply(response, 200, { status: 'ok', pid: '7' });
    await expect(channel.health(never)).rejects.toMatchObject({ code: 'E_PROTOCOL' });
    answer = (response) => reply(response, 200, { outcome: 'perhaps' });
    await expect(channel.cancel('c')).rejects.toMatchObject({ code: 'E_PROTOCOL' });
  });

  it('is ended when the answer to it goes on without end', async () => {
    const left = new Moment();
    const played = await playHttp((_request, response) => {
      response.on('close', left.happen);
      const more = (): void => {
        while (response.writable && response.write('x'.repeat(1024 * 1024)));
      };
      response.writeHead(200, json).on('drain', more);
      more();
    });
    const channel = channelTo(played);
    await expect(channel.config.schema(never)).rejects.toMatchObject({
      code: 'E_PROTOCOL',
      message: expect.stringContaining('answered /config_schema with more than 16 MiB'),
    });
    await left.happened;
  });

  it("rejects with the signal's reason once it is aborted, and asks again on a new connection", async () => {
    let silent = true;
    const arrival = new Moment();
    const played = await playHttp((_request, response) => {
      arrival.happen();
      if (!silent) reply(response, 200, { status: 'ok', pid: 1, nonce: 'n' });
    });
    const channel = channelTo(played);
    const controller = new AbortController();
    const asked = channel.health(controller.signal);
    await arrival.happened;
    controller.abort(new Error('too late'));
    await expect(asked).rejects.toThrow('too late');
    silent = false;
    expect(await channel.health(never)).toMatchObject({ pid: 1 });
  });

  it('breaks its connections when it is closed', async () => {
    const closed: Promise<unknown>[] = [];
    const channel = channelTo(
      await playHttp((request, response) => {
        closed.push(once(request.socket, 'close'));
        reply(response, 200, { status: 'ok', pid: 1, nonce: 'n', result: 1 });
      }),
    );
    await channel.health(never);
    await channel.config.get(never);
    await told((sink) => channel.execute(outgoing('c'), sink));
    expect(closed).toHaveLength(3);
    channel.close();
    await Promise.all(closed);
  });
});
