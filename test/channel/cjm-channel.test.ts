import type { ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type CjmChannel, createCjmChannel } from '../../src/channel/cjm-channel.ts';
import type { OutgoingCall } from '../../src/channel/worker-channel.ts';
import { json, ManyLines, Moment, ndjson, never, PausedReader, playHttp, reply, told } from './played-worker.ts';

type Answer = (response: ServerResponse, body: string, route: string) => void;

/** A channel to a played older worker; what is not in the table has nothing to say. */
async function channelTo(routes: Record<string, Answer>): Promise<CjmChannel> {
  const played = await playHttp((request, response, body) => {
    const route = `${request.method} ${request.url}`;
    const answer = routes[route];
    if (answer === undefined) reply(response, 404, { detail: 'Not Found' });
    else answer(response, body, route);
  }, 'tcp');
  const channel = createCjmChannel({ plugin: 'elder', port: played.port });
  onTestFinished(() => channel.close());
  return channel;
}

const says =
  (value: unknown, status = 200): Answer =>
  (response) =>
    reply(response, status, value);

const streams =
  (text: string): Answer =>
  (response) => {
    response.writeHead(200, ndjson).end(text);
  };

function outgoing(id: string): OutgoingCall {
  return { id, input: { args: '[1]', kwargs: '{}', bytes: [] }, integers: 'bigint' };
}

describe('a call of an older worker', () => {
  it.each([[{ text: 'ü', error: 'a field like any other' }], [null], [[1]], ['text']])(
    'hands on the bare result %j',
    async (result) => {
      const sent: string[] = [];
      const channel = await channelTo({
        'POST /execute': (response, text) => {
          sent.push(text);
          reply(response, 200, result);
        },
      });
      expect(await told((sink) => channel.execute(outgoing('c'), sink))).toMatchObject({ result, outcomes: 1 });
      expect(sent).toEqual(['{"call":"c","args":[1],"kwargs":{}}']);
    },
  );

  it('reads integers of any size exactly, refuses numbers that cannot be read, and keeps an error that has one', async () => {
    const id = 725653563933458433n;
    const raw =
      (text: string, status = 200): Answer =>
      (response) =>
        void response.writeHead(status, json).end(text);
    const outcome = async (answer: Answer) => {
      const channel = await channelTo({ 'POST /execute': answer });
      return told((sink) => channel.execute(outgoing('c'), sink));
    };
    expect(await outcome(raw(`{"detail":[${id}]}`))).toMatchObject({ result: { detail: [id] } });
    const refused = { code: 'E_SERIALIZE', plugin: 'elder' };
    expect((await outcome(raw('{"detail":[1e999]}'))).error).toMatchObject({
      ...refused,
      message: expect.stringContaining('detail[0] is 1e999'),
    });
    expect((await outcome(raw(`{"detail":[{"id":${id},"x":1e999}]}`, 422))).error).toMatchObject({
      code: 'E_REMOTE',
      remote: { details: [{ id: `${id}`, x: '1e999' }] },
    });
    const channel = await channelTo({ 'POST /execute_stream': streams(`${id}\n{"error":1e999,"n":1}\n`) });
    const stream = await told((sink) => channel.stream(outgoing('c'), sink));
    expect(stream).toMatchObject({
      chunks: [id],
      error: { ...refused, message: expect.stringContaining('error is 1e999') },
    });
  });

  it('hands on bare chunks and ends with the body', async () => {
    const channel = await channelTo({ 'POST /execute_stream': streams('1\n"zwei"\n{"error":"x","n":1}\nnull\n') });
    const so = await told((sink) => channel.stream(outgoing('c'), sink));
    expect(so).toMatchObject({ chunks: [1, 'zwei', { error: 'x', n: 1 }, null], last: 'result', outcomes: 1 });
  });

  it.each([
    [
      'a text',
      says({ detail: 'no such model' }, 500),
      { type: 'PluginError', message: 'no such model', category: 'fatal' },
    ],
    ['a refused body', says({ detail: [{ loc: ['body'] }] }, 422), { type: 'RequestError', category: 'input' }],
  ] as const)('makes an E_REMOTE of %s', async (_what, answer, remote) => {
    const channel = await channelTo({ 'POST /execute': answer, 'POST /execute_stream': answer });
    for (const kind of ['execute', 'stream'] as const) {
      const so = await told((sink) => channel[kind](outgoing('c'), sink));
      expect(so).toMatchObject({ outcomes: 1, error: { code: 'E_REMOTE', plugin: 'elder', remote } });
    }
  });

  it.each([
    ['{"error": …}', '1\n{"error":"broke"}\n2\n', { type: 'PluginError', message: 'broke' }],
    ['{"error": {…}}', '1\n{"error":{"a":1}}\n', { message: '{"a":1}', details: { a: 1 } }],
    [
      '{"_job_error": …}',
      '1\n{"_job_error":{"category":"user_input","message":"bad","retriable":true,"original_exc_repr":"ValueError(\'bad\')","traceback":"T"}}\n',
      { type: 'ValueError', message: 'bad', category: 'input', retryable: true, stack: 'T' },
    ],
    ['a broken {"_job_error": …}', '1\n{"_job_error":null}\n', { type: 'Error', message: '', category: 'fatal' }],
  ])('takes the chunk %s for the error of the plugin', async (_what, text, remote) => {
    const channel = await channelTo({ 'POST /execute_stream': streams(text) });
    const so = await told((sink) => channel.stream(outgoing('c'), sink));
    expect(so).toMatchObject({ chunks: [1], outcomes: 1, error: { code: 'E_REMOTE', remote } });
  });

  it.each([
    [
      'execute',
      'POST /execute',
      (response: ServerResponse) => void response.writeHead(500).end('Internal Server Error'),
    ],
    ['execute', 'POST /execute', (response: ServerResponse) => void response.writeHead(200).end('{"half":')],
    ['stream', 'POST /execute_stream', says('one value')],
    ['stream', 'POST /execute_stream', streams('1\n{"half":\n')],
  ] as const)('makes an E_PROTOCOL of a senseless answer to %s', async (kind, route, answer) => {
    const channel = await channelTo({ [route]: answer });
    const so = await told((sink) => channel[kind](outgoing('c'), sink));
    expect(so).toMatchObject({ outcomes: 1, error: { code: 'E_PROTOCOL' } });
  });

  it('makes an E_CRASHED of a stream that breaks off', async () => {
    const channel = await channelTo({
      'POST /execute_stream': (response) => {
        response.writeHead(200, ndjson);
        response.write('1\n', () => response.destroy());
      },
    });
    const so = await told((sink) => channel.stream(outgoing('c'), sink));
    expect(so).toMatchObject({ chunks: [1], outcomes: 1, last: 'error', error: { code: 'E_CRASHED' } });
  });

  it('asks for the progress of a call, tells each change once, and the last before the result', async () => {
    const answers = [
      { progress: 0.1, message: '' },
      { progress: 0.1, message: '' },
      { progress: 0.5, message: 'half' },
      { wrong: true },
      { progress: 0.9, message: 'half' },
    ];
    let held: ServerResponse | undefined;
    const channel = await channelTo({
      'POST /execute': (response) => (held = response),
      'GET /progress': (response) => {
        const next = answers.shift();
        if (next === undefined) {
          const calling = held;
          held = undefined;
          if (calling === undefined) reply(response, 200, { progress: 1, message: 'all' });
          else reply(calling, 200, 'done');
        } else reply(response, 200, next);
      },
    });
    const so = await told((sink) => channel.execute(outgoing('c'), sink));
    expect(so.progress).toEqual([
      [0.1, undefined],
      [0.5, 'half'],
      [0.9, 'half'],
      [1, 'all'],
    ]);
    expect(so).toMatchObject({ result: 'done', last: 'result', outcomes: 1 });
  });

  it('takes progress whose message is an integer of any size for one without a message', async () => {
    const channel = await channelTo({
      'POST /execute': says('done'),
      'GET /progress': (response) =>
        void response.writeHead(200, json).end('{"progress":0.5,"message":18446744073709551616}'),
    });
    const so = await told((sink) => channel.execute(outgoing('c'), sink));
    expect(so).toMatchObject({ progress: [[0.5, undefined]], result: 'done', last: 'result', outcomes: 1 });
  });

  it('says nothing of the progress of a plugin that reports none', async () => {
    const channel = await channelTo({
      'POST /execute': says('done'),
      'GET /progress': says({ progress: 0, message: '' }),
    });
    const so = await told((sink) => channel.execute(outgoing('c'), sink));
    expect(so).toMatchObject({ progress: [], result: 'done', last: 'result', outcomes: 1 });
  });

  it('hands on a result that waits for the progress before it, where the worker ends meanwhile', async () => {
    let channel: CjmChannel | undefined;
    channel = await channelTo({
      'POST /execute': says('done'),
      'GET /progress': () => channel?.close(),
    });
    const so = await told((sink) => channel.execute(outgoing('c'), sink));
    expect(so).toMatchObject({ progress: [], result: 'done', last: 'result', outcomes: 1 });
  });

  it('takes {"_job_error": …} for an error of every request, whatever its status', async () => {
    const error = says({ _job_error: { category: 'user_input', message: 'no such model' } });
    const channel = await channelTo({ 'POST /initialize': error, 'GET /config': error });
    for (const asked of [channel.config.initialize({}, never), channel.config.get(never)]) {
      await expect(asked).rejects.toMatchObject({ code: 'E_REMOTE', remote: { message: 'no such model' } });
    }
  });

  it('loses no call on a connection that the worker closes without a word', async () => {
    let calls = 0;
    const channel = await channelTo({
      'POST /execute': (response) => {
        calls += 1;
        if (calls > 1) {
          reply(response, 200, 'next');
          return;
        }
        // As a worker does whose result cannot be written: an answer, and then the end.
        response.writeHead(500).end('Internal Server Error', () => response.socket?.destroy());
      },
    });
    expect(await told((sink) => channel.execute(outgoing('c'), sink))).toMatchObject({ error: { code: 'E_PROTOCOL' } });
    expect(await told((sink) => channel.execute(outgoing('c'), sink))).toMatchObject({ result: 'next' });
  });

  it.each([
    ['alone', says({ _job_error: { category: 'transient', message: 'later', retriable: true } }, 503)],
    ['with status 200', says({ _job_error: { category: 'transient', message: 'later', retriable: true } })],
    [
      'in the detail',
      says({ detail: { _job_error: { category: 'transient', message: 'later', retriable: true } } }, 500),
    ],
  ])('takes {"_job_error": …} for the error of the plugin: %s', async (_where, answer) => {
    const channel = await channelTo({ 'POST /execute': answer });
    const so = await told((sink) => channel.execute(outgoing('c'), sink));
    expect(so).toMatchObject({
      outcomes: 1,
      error: { code: 'E_REMOTE', remote: { message: 'later', category: 'transient', retryable: true } },
    });
  });

  it('takes a worker that runs plugin code for alive, before and after it was asked', async () => {
    const [asked, arrived] = [new Moment(), new Moment()];
    let answers = true;
    let held: ServerResponse | undefined;
    const channel = await channelTo({
      'GET /health': (response) => {
        if (answers) reply(response, 200, { status: 'running', pid: 7 });
        else asked.happen();
      },
      'POST /execute': (response) => {
        held = response;
        arrived.happen();
      },
    });
    await channel.health(never);
    answers = false;
    const before = channel.health(never);
    await asked.happened;
    const call = told((sink) => channel.execute(outgoing('c'), sink));
    expect(await before).toMatchObject({ pid: 7 });
    await arrived.happened;
    expect(await channel.health(never)).toMatchObject({ pid: 7 });
    if (held !== undefined) reply(held, 200, 'done');
    await call;
    // Idle, it has to answer again.
    await expect(channel.health(AbortSignal.abort(new Error('late')))).rejects.toThrow('late');
  });

  it('stops reading while paused', async () => {
    const lines = new ManyLines(`"${'x'.repeat(1000)}"\n`);
    const channel = await channelTo({
      'GET /health': says({ status: 'running', pid: 1 }),
      'POST /execute_stream': (response) => lines.sendTo(response),
    });
    const reader = new PausedReader((sink) => channel.stream(outgoing('c'), sink));
    await lines.full.happened;
    for (let turn = 0; turn < 50; turn++) await channel.health(never);
    expect(reader.got).toBeLessThan(lines.total);
    expect(lines.sent).toBeLessThan(lines.total);
    reader.resume();
    expect(await reader.outcome).toMatchObject({ outcomes: 1, last: 'result' });
    expect(reader.got).toBe(lines.total);
  });

  it('ends calls in flight with E_CRASHED, once, when it is closed', async () => {
    const arrival = new Moment();
    const channel = await channelTo({ 'POST /execute': () => arrival.happen() });
    const call = told((sink) => channel.execute(outgoing('c'), sink));
    await arrival.happened;
    channel.close();
    channel.close();
    expect(await call).toMatchObject({ outcomes: 1, error: { code: 'E_CRASHED' } });
  });
});

describe('everything but calls of an older worker', () => {
  it('asks as the older worker expects and hands on what is answered', async () => {
    const seen: string[] = [];
    const noted =
      (value: unknown): Answer =>
      (response, text, route) => {
        seen.push(`${route} ${text}`);
        reply(response, 200, value);
      };
    const channel = await channelTo({
      'GET /health': noted({ status: 'running', pid: 7, name: 'elder', version: '1' }),
      'POST /initialize': noted({ status: 'ok' }),
      'GET /config': noted({ a: 1 }),
      'GET /config_schema': noted({}),
      'POST /cancel': noted({ status: 'cancelled' }),
      'POST /cleanup': noted({ status: 'cleaned' }),
    });
    expect(await channel.health(never)).toEqual({ status: 'ok', pid: 7, nonce: '', name: 'elder', version: '1' });
    await channel.config.initialize({ model: 'base' }, never);
    expect(await channel.config.get(never)).toEqual({ a: 1 });
    expect(await channel.config.schema(never)).toEqual({});
    expect(await channel.cancel()).toBe('requested');
    await channel.cleanup(never);
    expect(seen).toEqual([
      'GET /health ',
      'POST /initialize {"model":"base"}',
      'GET /config ',
      'GET /config_schema ',
      'POST /cancel {}',
      'POST /cleanup {}',
    ]);
  });

  it('says when a cancel is not supported, failed, or senseless', async () => {
    let answer: unknown = { status: 'not_supported' };
    const channel = await channelTo({ 'POST /cancel': (response) => reply(response, 200, answer) });
    expect(await channel.cancel()).toBe('unsupported');
    answer = { status: 'error', detail: 'cannot' };
    await expect(channel.cancel()).rejects.toMatchObject({ code: 'E_REMOTE', remote: { message: 'cannot' } });
    answer = 'what?';
    await expect(channel.cancel()).rejects.toMatchObject({ code: 'E_PROTOCOL' });
  });

  it('rejects with the error of the plugin, and with E_PROTOCOL where the answer makes no sense', async () => {
    const channel = await channelTo({
      'POST /initialize': says({ detail: 'no such model' }, 400),
      'GET /health': says({ status: 'running' }),
      'GET /config': (response) => response.writeHead(500).end('Internal Server Error'),
    });
    await expect(channel.config.initialize({}, never)).rejects.toMatchObject({
      code: 'E_REMOTE',
      remote: { message: 'no such model' },
    });
    await expect(channel.health(never)).rejects.toMatchObject({ code: 'E_PROTOCOL' });
    await expect(channel.config.get(never)).rejects.toMatchObject({ code: 'E_PROTOCOL' });
  });
});
