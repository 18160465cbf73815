// Longer than others because the channel has many ways to go wrong, each of which needs a worker played by hand.

import { rmSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectionFault } from '../../src/calls/connection-fault.ts';
import { createFramedChannel, type FramedChannel } from '../../src/channel/framed-channel.ts';
import type { OutgoingCall, SendCall } from '../../src/channel/worker-channel.ts';
import type { GreenroomError } from '../../src/errors.ts';
import { FRAME, type Frame } from '../../src/framing/frame.ts';
import { putBytes } from '../../src/json/placed-bytes.ts';
import { type FramePeer, NONCE, playFrames } from './played-frames.ts';
import { Moment, never, PausedReader, type Played, playHttp, reply, type Told, told } from './played-worker.ts';

type StreamingChannel = FramedChannel & { readonly stream: SendCall };

function channelTo(
  played: Played,
  concurrency = 1,
  control = played,
  capabilities = ['cleanup', 'stream'],
): StreamingChannel {
  const channel = createFramedChannel({
    plugin: 'talker',
    address: control.address,
    control: control.address,
    frames: played.address,
    token: 'secret',
    nonce: NONCE,
    concurrency,
    capabilities,
  });
  onTestFinished(() => channel.close());
  return channel as StreamingChannel;
}

const empty = { args: '[]', kwargs: '{}', bytes: [] };

function outgoing(id: string, more: Partial<OutgoingCall> = {}): OutgoingCall {
  return { id, input: empty, integers: 'bigint', ...more };
}

/** The identifier of the call that a frame brings. */
function idOf({ text }: Frame): string {
  return JSON.parse(text).call;
}

const long = 'ü'.repeat(200 * 1024);

/** Waits until a condition holds; the other end is told of what happens here a little later. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate);
}

describe('a call over frames', () => {
  it.each(['unix', 'tcp'] as const)('says hello, sends its body and hands on the result, at %s', async (where) => {
    const seen: unknown[] = [];
    const played = await playFrames(({ type, call, text }, peer) => {
      seen.push([peer.hello, type, text]);
      peer.send('result', call, { ok: [1, 2n ** 70n] });
    }, where);
    for (const concurrency of [1, 2]) {
      const channel = channelTo(played, concurrency);
      await channel.greeted;
      const so = await told((sink) => channel.execute(outgoing('c', { tool: 'read' }), sink));
      expect(so).toMatchObject({ result: { ok: [1, 2n ** 70n] }, outcomes: 1 });
    }
    const body = '{"call":"c","tool":"read","args":[],"kwargs":{}}';
    expect(seen).toEqual([
      [{ token: 'secret', shared: false }, FRAME.execute, body],
      [{ token: 'secret', shared: true }, FRAME.execute, body],
    ]);
  });

  it('carries bytes both ways', async () => {
    const played = await playFrames(({ call, text, places, bytes }, peer) => {
      const { args } = putBytes(JSON.parse(text), places, bytes) as { args: unknown[] };
      peer.send('result', call, { back: args[0], twice: [args[0]] });
    });
    const channel = channelTo(played, 2);
    for (const size of [0, 5, 300_000, 9_000_000]) {
      const bytes = Buffer.alloc(size, 'ab');
      const input = { args: '[null]', kwargs: '{}', bytes: [{ path: ['args', 0], bytes }] };
      const so = await told((sink) => channel.execute(outgoing('c', { input }), sink));
      expect(so.error).toBeUndefined();
      const { back, twice } = so.result as { back: Buffer; twice: [Buffer] };
      expect(bytes.equals(back) && bytes.equals(twice[0])).toBe(true);
      // A result that shares memory with another would change with it.
      expect(back.buffer).not.toBe(twice[0].buffer);
    }
  });

  it('shares a connection with others that run, which are answered in any order', async () => {
    const held: [number, string][] = [];
    const played = await playFrames((frame, peer) => {
      held.push([frame.call, idOf(frame)]);
      if (held.length === 8) for (const [call, id] of held.toReversed()) peer.send('result', call, id);
    });
    const channel = channelTo(played, 8);
    const calls = Array.from({ length: 8 }, (_, n) => told((sink) => channel.execute(outgoing(`c${n}`), sink)));
    const results = (await Promise.all(calls)).map(({ result }) => result);
    expect(results).toEqual(['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7']);
    expect(new Set(held.map(([call]) => call)).size).toBe(8);
    expect(played.peers).toHaveLength(1);
  });

  it('has a connection of its own where it is a stream, or long, and leaves it to the next', async () => {
    const seen: unknown[] = [];
    const played = await playFrames((frame, peer) => {
      seen.push([idOf(frame), peer.hello.shared]);
      peer.send(frame.type === FRAME.stream ? 'end' : 'result', frame.call, null);
    });
    const channel = channelTo(played, 4);
    const input = { args: JSON.stringify([long]), kwargs: '{}', bytes: [] };
    const data = { args: '[null]', kwargs: '{}', bytes: [{ path: ['args', 0], bytes: Buffer.alloc(256 * 1024) }] };
    await told((sink) => channel.execute(outgoing('small'), sink));
    await told((sink) => channel.execute(outgoing('long', { input }), sink));
    await told((sink) => channel.execute(outgoing('bytes', { input: data }), sink));
    await told((sink) => channel.stream(outgoing('stream'), sink));
    expect(seen).toEqual([
      ['small', true],
      ['long', false],
      ['bytes', false],
      ['stream', false],
    ]);
    expect(played.peers).toHaveLength(2);
  });

  it('keeps few of the connections that were opened for many streams', async () => {
    const held: [number, FramePeer][] = [];
    const played = await playFrames(({ call }, peer) => {
      held.push([call, peer]);
      if (held.length === 12) for (const [number, each] of held) each.send('end', number);
    });
    const channel = channelTo(played, 12);
    await Promise.all(Array.from({ length: 12 }, () => told((sink) => channel.stream(outgoing('s'), sink))));
    // The first one is shared.
    await until(() => played.peers.length === 9);
  });

  it('fetches a long result over another connection, while small ones go on', async () => {
    const kept = new Map<number, unknown>();
    const seen: string[] = [];
    const played = await playFrames((frame, peer) => {
      const { type, call } = frame;
      seen.push(`${type === FRAME.fetch ? 'fetch' : idOf(frame)} ${String(peer.hello.shared)}`);
      if (type === FRAME.fetch) return peer.send('result', call, kept.get(call));
      if (idOf(frame) !== 'large') return peer.send('result', call, 'small');
      kept.set(call, { long, data: Buffer.alloc(10_000_000, 'z') });
      peer.send('progress', call, { progress: 0.5 });
      return peer.send('large', call);
    });
    const channel = channelTo(played, 4);
    const large = told((sink) => channel.execute(outgoing('large'), sink));
    expect(await told((sink) => channel.execute(outgoing('s'), sink))).toMatchObject({ result: 'small' });
    const so = await large;
    expect(so).toMatchObject({ progress: [[0.5, undefined]], outcomes: 1, result: { long } });
    expect((so.result as { data: Buffer }).data.length).toBe(10_000_000);
    expect(seen).toEqual(['large true', 's true', 'fetch false']);
  });

  it('whose long result cannot be fetched is not taken for one that was never sent', async () => {
    // No further connection can be made to it.
    const played = await playFrames(({ call }, peer) => {
      rmSync(played.address.slice('unix:'.length));
      peer.send('large', call);
    });
    // Breaks only the connection on which the result is asked for.
    const stopless = await playFrames(({ type, call }, peer) => {
      if (type === FRAME.fetch) peer.socket.destroy();
      else peer.send('large', call);
    });
    for (const one of [played, stopless]) {
      const so = await told((sink) => channelTo(one, 2).execute(outgoing('c'), sink));
      expect(so).toMatchObject({ outcomes: 1, error: { code: 'E_CRASHED' } });
      expect(connectionFault(so.error as GreenroomError)).toBe('broken');
    }
  });

  it('hands on progress and the chunks of a stream in order, with their shares of what came', async () => {
    const played = await playFrames(({ call }, peer) => {
      peer.send('progress', call, { progress: 0.1 });
      peer.send('chunks', call, [1]);
      peer.send('progress', call, { progress: 0.9, message: 'soon' });
      peer.send('chunks', call, ['zwei', { n: 2n ** 64n }, Buffer.from('drei')]);
      peer.send('end', call);
    });
    const lengths: number[] = [];
    const so = await told((sink) =>
      channelTo(played).stream(outgoing('c'), {
        ...sink,
        onChunk(chunk, length) {
          lengths.push(length);
          sink.onChunk(chunk, length);
        },
      }),
    );
    expect(so).toMatchObject({
      progress: [
        [0.1, undefined],
        [0.9, 'soon'],
      ],
      chunks: [1, 'zwei', { n: 2n ** 64n }, Buffer.from('drei')],
      last: 'result',
      outcomes: 1,
    });
    const text = '["zwei",{"n":18446744073709551616},null]'.length + 'drei'.length;
    expect(lengths).toEqual([3, text / 3, text / 3, text / 3]);
  });

  it.each([
    ['E_REMOTE', { type: 'ValueError', message: 'no', category: 'input' }, { category: 'input' }],
    ['E_REMOTE', {}, { type: 'Error', message: '', category: 'fatal', retryable: false }],
    ['E_REMOTE', 'text', { type: 'Error', message: 'text' }],
    ['E_SERIALIZE', { type: 'SerializeError', message: 'NaN' }, { type: 'SerializeError' }],
    ['E_REMOTE', Buffer.alloc(32 * 2 ** 20), { type: 'Error', message: '' }],
    ['E_REMOTE', { details: [Buffer.from('ab'), 2n ** 64n] }, { details: [Buffer.from('ab'), 2n ** 64n] }],
  ])('makes an %s of an error, the same over both ways (%#)', async (code, error, remote) => {
    const channel = channelTo(await playFrames(({ call }, peer) => peer.send('error', call, error)));
    for (const kind of ['execute', 'stream'] as const) {
      const so = await told((sink) => channel[kind](outgoing('c'), sink));
      expect(so).toMatchObject({ outcomes: 1, error: { code, plugin: 'talker', remote } });
    }
  });

  const tooLarge = `{"n":${'9'.repeat(5_000)}}`;
  it.each([
    ['E_PROTOCOL', 'is not JSON: {"a":', FRAME.result, '{"a":', '', ''],
    ['E_PROTOCOL', 'is not JSON: ', FRAME.result, '', '', ''],
    ['E_PROTOCOL', 'is not JSON: oh', FRAME.error, 'oh', '', ''],
    ['E_PROTOCOL', 'it has bytes without a place: {}', FRAME.result, '{}', '', 'ab'],
    ['E_PROTOCOL', 'its places take more bytes than there are', FRAME.result, '[null]', '[[[0],9]]', 'ab'],
    ['E_PROTOCOL', 'there is no place "b" for bytes', FRAME.result, '{}', '[[["b","c"],2]]', 'ab'],
    ['E_PROTOCOL', 'its list of places is not JSON', FRAME.error, '{}', '[', 'ab'],
    ['E_PROTOCOL', 'has no progress: {"progress":"half"}', FRAME.progress, '{"progress":"half"}', '', ''],
    ['E_PROTOCOL', 'has no progress: null', FRAME.progress, 'null', '', ''],
    ['E_SERIALIZE', 'n is 9999', FRAME.result, tooLarge, '', ''],
  ])('ends alone with %s where what it is sent %s', async (code, message, type, text, places, bytes) => {
    const played = await playFrames(({ call }, peer) => {
      if (held === undefined) {
        held = [peer, call];
        return;
      }
      peer.sendParts(type, call, text, places, Buffer.from(bytes));
      // Of a call that has ended nothing more is heard.
      if (type === FRAME.progress) peer.send('progress', call, { progress: 1 });
      if (type === FRAME.progress) peer.send('result', call, 'late');
      held[0].send('result', held[1], 'the other');
    });
    let held: [FramePeer, number] | undefined;
    const channel = channelTo(played, 2);
    const other = told((sink) => channel.execute(outgoing('other'), sink));
    const so = await told((sink) => channel.execute(outgoing('c'), sink));
    expect(so).toMatchObject({ outcomes: 1, last: 'error', error: { code, plugin: 'talker' } });
    expect(so.error?.message).toContain(message);
    expect(await other).toMatchObject({ result: 'the other' });
    expect(played.peers).toHaveLength(1);
  });

  it.each(['{}', '[]', '[1', '[99999999999999999999999]e'])(
    'that streams is ended, and its connection, where its chunks are %s',
    async (text) => {
      const closed = new Moment();
      const played = await playFrames(({ call }, peer) => {
        peer.socket.on('close', closed.happen);
        peer.send('chunks', call, ['before']);
        peer.sendParts(FRAME.chunks, call, text);
        peer.send('chunks', call, ['after']);
      });
      const so = await told((sink) => channelTo(played).stream(outgoing('c'), sink));
      expect(so).toMatchObject({ chunks: ['before'], outcomes: 1, last: 'error', error: { code: 'E_PROTOCOL' } });
      await closed.happened;
    },
  );

  const shared = 'a connection that calls share';
  const own = 'a connection of its own';
  const wrong: readonly [string, string, 'execute' | 'stream', string, (peer: FramePeer, call: number) => void][] = [
    [
      'an unknown type',
      shared,
      'execute',
      'a frame of the unknown type 99',
      (peer, call) => peer.sendParts(99, call, ''),
    ],
    ['a type of the host', own, 'execute', 'a frame "hello"', (peer, call) => peer.send('hello', call)],
    [
      'another call',
      shared,
      'execute',
      '"result" for call 4000000000',
      (peer) => peer.send('result', 4_000_000_000, 1),
    ],
    ['no call', own, 'stream', '"chunks" for call 0', (peer) => peer.send('chunks', 0, [1])],
    ['a stream', shared, 'execute', '"chunks" as an answer to execute', (peer, call) => peer.send('chunks', call, [1])],
    ['a stream, as its end', own, 'execute', '"end" as an answer to execute', (peer, call) => peer.send('end', call)],
    ['an execute', own, 'stream', '"result" as an answer to stream', (peer, call) => peer.send('result', call, 1)],
    [
      'a shared connection',
      own,
      'execute',
      '"large" as an answer to execute',
      (peer, call) => peer.send('large', call),
    ],
    ['its beginning', own, 'execute', '"welcome" for call 0', (peer) => peer.send('welcome', 0, { nonce: NONCE })],
    [
      'another connection, as it is long',
      shared,
      'execute',
      'a frame of 409602 bytes, where one may have 262144',
      (peer, call) => peer.send('result', call, long),
    ],
    [
      'nothing, as it is too long',
      own,
      'execute',
      'a frame of 4294967295 bytes, which is more',
      (peer, call) => peer.socket.write(Buffer.from(new Uint32Array([19, call, 0xff_ff_ff_ff, 0, 0]).buffer)),
    ],
  ];
  it.each(wrong)(
    'ends with its connection where a frame belongs to %s, on %s',
    async (_what, where, kind, message, send) => {
      let isWrong = true;
      const closed = new Moment();
      const seen: [number, FramePeer][] = [];
      const played = await playFrames((frame, peer) => {
        if (!isWrong) return peer.send(frame.type === FRAME.stream ? 'end' : 'result', frame.call, 'next');
        peer.socket.on('close', closed.happen);
        seen.push([frame.call, peer]);
        if (seen.length === (where === shared ? 2 : 1)) send(peer, frame.call);
        return undefined;
      });
      const channel = channelTo(played, where === shared ? 2 : 1);
      const calls = [told((sink) => channel[kind](outgoing('a'), sink))];
      if (where === shared) calls.push(told((sink) => channel[kind](outgoing('b'), sink)));
      for (const so of await Promise.all(calls)) {
        expect(so).toMatchObject({ outcomes: 1, last: 'error', error: { code: 'E_PROTOCOL', plugin: 'talker' } });
        expect(so.error?.message).toContain('The worker of "talker" sent a frame');
        expect(so.error?.message).toContain(message);
      }
      await closed.happened;
      isWrong = false;
      expect((await told((sink) => channel[kind](outgoing('next'), sink))).error).toBeUndefined();
    },
  );

  it('is never given an answer that comes over the connection of another', async () => {
    const seen: [number, FramePeer][] = [];
    const played = await playFrames(({ call }, peer) => {
      seen.push([call, peer]);
      if (seen.length < 2) return;
      const [[first, own], [, other]] = seen as [[number, FramePeer], [number, FramePeer]];
      other.socket.on('close', () => own.send('result', first, 'mine'));
      other.send('result', first, 'not mine');
    });
    const channel = channelTo(played, 2);
    const call = told((sink) => channel.execute(outgoing('a'), sink));
    await until(() => seen.length === 1);
    const other = await told((sink) => channel.stream(outgoing('b'), sink));
    expect(other).toMatchObject({ outcomes: 1, error: { code: 'E_PROTOCOL' } });
    expect(await call).toMatchObject({ result: 'mine', outcomes: 1 });
  });

  it.each([1, 2])(
    'that is answered twice, of %i at once, keeps its result, and the connection is not used again',
    async (concurrency) => {
      const closed = new Moment();
      const played = await playFrames(({ call }, peer) => {
        peer.socket.on('close', closed.happen);
        peer.send('result', call, 'first');
        peer.send('result', call, 'second');
      });
      const channel = channelTo(played, concurrency);
      const so = await told((sink) => channel.execute(outgoing('c'), sink));
      expect(so).toMatchObject({ result: 'first', outcomes: 1 });
      await closed.happened;
      expect(await told((sink) => channel.execute(outgoing('d'), sink))).toMatchObject({
        result: 'first',
        outcomes: 1,
      });
    },
  );

  it.each<[string, (peer: FramePeer) => void]>([
    ['another start', (peer) => peer.send('welcome', 0, { nonce: 'another' })],
    ['nobody', (peer) => peer.sendParts(FRAME.welcome, 0, 'hello')],
    ['a call', (peer) => peer.send('welcome', 1, { nonce: NONCE })],
    ['an answer before it', (peer) => peer.send('result', 1, 1)],
    ['HTTP', (peer) => peer.socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ])('is not answered by a worker whose welcome is that of %s', async (_what, greet) => {
    const channel = channelTo(await playFrames(() => {}, 'unix', greet));
    const so = await told((sink) => channel.execute(outgoing('c'), sink));
    expect(so).toMatchObject({ outcomes: 1, error: { code: 'E_PROTOCOL' } });
    await expect(channel.greeted).rejects.toMatchObject({ code: 'E_PROTOCOL' });
  });

  it('ends with E_CRASHED, once, where its connection breaks, and the next opens another', async () => {
    let breaks: ((peer: FramePeer, call: number) => void) | undefined;
    const played = await playFrames(({ call }, peer) => {
      if (breaks === undefined) peer.send('result', call, 'next');
      else breaks(peer, call);
    }, 'tcp');
    const half = (peer: FramePeer, call: number): void => {
      peer.socket.end(Buffer.from(new Uint32Array([19, call, 100, 0, 0]).buffer));
    };
    for (const concurrency of [1, 2]) {
      const channel = channelTo(played, concurrency);
      for (const each of [
        half,
        (peer: FramePeer) => peer.socket.destroy(),
        (peer: FramePeer) => peer.socket.resetAndDestroy(),
      ]) {
        breaks = each;
        const so = await told((sink) => channel.execute(outgoing('c'), sink));
        expect(so).toMatchObject({ outcomes: 1, last: 'error', error: { code: 'E_CRASHED', plugin: 'talker' } });
        expect(connectionFault(so.error as GreenroomError)).toBe('broken');
        breaks = undefined;
        expect(await told((sink) => channel.execute(outgoing('d'), sink))).toMatchObject({ result: 'next' });
      }
    }
  });

  it('of a worker that is not there was never sent, which its error tells', async () => {
    const played = await playFrames(() => {});
    await played.stop();
    const so = await told((sink) => channelTo(played, 2).execute(outgoing('c'), sink));
    expect(so).toMatchObject({ outcomes: 1, error: { code: 'E_CRASHED' } });
    expect(connectionFault(so.error as GreenroomError)).toBe('unreachable');
  });

  it('stops reading while paused, so that the worker feels it, and goes on where it was', async () => {
    const total = 20_000;
    let sent = 0;
    const full = new Moment();
    const chunk = 'x'.repeat(1_000);
    const played = await playFrames(({ type, call }, peer) => {
      if (type === FRAME.execute) return peer.send('result', call, 'beside');
      const more = (): void => {
        while (sent < total) {
          sent += 1;
          peer.send('chunks', call, [chunk]);
          if (!peer.sender.isBehind) continue;
          full.happen();
          peer.socket.once('drain', more);
          return;
        }
        peer.send('end', call);
      };
      return more();
    });
    const channel = channelTo(played, 2);
    const reader = new PausedReader((sink) => channel.stream(outgoing('c'), sink));
    await full.happened;
    // A call beside it is a later turn of everything; nothing may have moved by then.
    const beside = (): Promise<Told> => told((sink) => channel.execute(outgoing('d'), sink));
    await beside();
    const [gotThen, sentThen] = [reader.got, sent];
    for (let turn = 0; turn < 20; turn += 1) expect(await beside()).toMatchObject({ result: 'beside' });
    expect([reader.got, sent]).toEqual([gotThen, sentThen]);
    expect(sent).toBeLessThan(total);
    reader.resume();
    expect(await reader.outcome).toMatchObject({ outcomes: 1, last: 'result' });
    expect(reader.got).toBe(total);
  });

  it.each([true, false])(
    'stays paused when it was paused as it was sent, over a connection that was open: %s',
    async (isOpen) => {
      const played = await playFrames(({ call }, peer) => {
        peer.send('chunks', call, [1]);
        peer.send('end', call);
      });
      const other = channelTo(await playFrames(({ call }, peer) => peer.send('result', call, 1)));
      const channel = channelTo(played);
      if (isOpen) await channel.greeted;
      let ended = false;
      let resume = (): void => {};
      const outcome = told((sink) => {
        const call = channel.stream(outgoing('c'), sink);
        call.pause();
        resume = () => call.resume();
        return call;
      }).then((so) => {
        ended = true;
        return so;
      });
      for (let turn = 0; turn < 20; turn += 1) await told((sink) => other.execute(outgoing('d'), sink));
      expect(ended).toBe(false);
      resume();
      expect(await outcome).toMatchObject({ chunks: [1], outcomes: 1, last: 'result' });
    },
  );

  it('leaves no pause to the next when it was paused as its last chunk came', async () => {
    const played = await playFrames(({ call }, peer) => {
      peer.send('chunks', call, [1]);
      peer.send('end', call);
    });
    const channel = channelTo(played);
    await channel.greeted;
    const pausing = (): Promise<Told> =>
      told(
        (sink) => channel.stream(outgoing('c'), sink),
        (_chunk, call) => call.pause(),
      );
    for (let round = 0; round < 2; round += 1) expect(await pausing()).toMatchObject({ outcomes: 1, last: 'result' });
    expect(played.peers).toHaveLength(1);
  });

  it('ends with E_CRASHED, once, when the channel is closed, and no connection is left', async () => {
    let held = 0;
    const all = new Moment();
    const played = await playFrames(() => {
      held += 1;
      if (held === 3) all.happen();
    });
    const channel = channelTo(played, 3);
    const calls = ['a', 'b'].map((call) => told((sink) => channel.execute(outgoing(call), sink)));
    calls.push(told((sink) => channel.stream(outgoing('c'), sink)));
    await all.happened;
    expect(played.peers).toHaveLength(2);
    channel.close();
    channel.close();
    for (const so of await Promise.all(calls)) expect(so).toMatchObject({ outcomes: 1, error: { code: 'E_CRASHED' } });
    await until(() => played.peers.length === 0);
    const late = await told((sink) => channel.stream(outgoing('late'), sink));
    expect(late).toMatchObject({ outcomes: 1, error: { code: 'E_CRASHED' } });
    expect(held).toBe(3);
  });
});

it('a worker of frames is asked to clean up where calls have not ended, if it can wait for them', async () => {
  const paths: (string | undefined)[] = [];
  const control = await playHttp((request, response) => {
    paths.push(request.url);
    reply(response, 200, {});
  });
  const began = new Moment();
  let answer = (): void => {};
  const played = await playFrames(({ call }, peer) => {
    answer = () => peer.send('result', call, 1);
    began.happen();
  });
  const channel = channelTo(played, 1, control, ['settle']);
  await channel.cleanup(never);
  const call = told((sink) => channel.execute(outgoing('c'), sink));
  await began.happened;
  await channel.cleanup(never);
  answer();
  await call;
  await channel.cleanup(never);
  expect(paths).toEqual(['/cleanup']);
});
