import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FRAME } from '../../src/framing/frame.ts';
import { type RunningWorker, startWorker } from '../conformance/driver.ts';
import { nodeProgram } from '../conformance/workers.ts';
import { FramedClient } from '../node-sdk/framed-client.ts';
import { SEED } from '../seed.ts';
import { randomFrom } from '../simulation/random.mjs';

// Bytes that no supervisor sends, to the host program of Node plugins: `FUZZ_RUNS=100000` for more of them.

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 1_000);
const AT_ONCE = 4;
/** After so many runs, in each lane, a call is made. */
const BETWEEN_CALLS = 50;
/** What Node keeps of memory that was used once, in MiB. */
const SPARE = 120;

type Random = () => number;

let worker: RunningWorker;

beforeAll(async () => {
  const module = fileURLToPath(new URL('../fixtures/worker/frames.mjs', import.meta.url));
  worker = await startWorker({ ...nodeProgram(module), concurrency: 8 }, 'unix', [1, 2]);
  await worker.send('POST', '/initialize', { config: {} });
});

afterAll(() => worker.stop());

test(`a Node worker outlives ${RUNS} connections with broken frames, and answers what comes next (seed ${SEED})`, async () => {
  await runs(SEED, 200);
  const before = residentMegabytes();
  await runs(SEED + 1, RUNS);
  expect(worker.child.exitCode).toBeNull();
  expect(residentMegabytes() - before).toBeLessThan(SPARE);
}, 3_600_000);

async function runs(seed: number, count: number): Promise<void> {
  const random = randomFrom(seed);
  const lane = async (): Promise<void> => {
    for (let run = 0; run < count / AT_ONCE; run += 1) {
      await deliver(mutated(session(random), random), random);
      if (run % BETWEEN_CALLS === 0) await serves();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  await serves();
}

/** Writes the bytes in pieces, and waits until the worker has closed the connection. */
function deliver(bytes: Buffer, random: Random): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(worker.handshake.frames!.slice('unix:'.length));
    socket.on('error', () => {}).on('close', () => resolve());
    socket.resume();
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + Math.floor(random() * bytes.length);
      socket.write(bytes.subarray(at, end));
      at = end;
    }
    socket.end();
  });
}

async function serves(): Promise<void> {
  const client = new FramedClient(worker.handshake.frames!).hello(worker.token);
  const bytes = Buffer.from('abc');
  const { value } = await client.call(FRAME.execute, 1, { call: 'c', kwargs: { value: { n: 2n ** 60n, bytes } } });
  expect(value).toEqual({ n: 2n ** 60n, bytes });
  client.socket.destroy();
}

/** What a supervisor might send over one connection. */
function session(random: Random): Buffer {
  const shared = random() < 0.5;
  const frames = [frame(FRAME.hello, 0, JSON.stringify({ token: worker.token, shared }))];
  for (let call = 1; random() < 0.8; call += 1) {
    const kind = Math.floor(random() * 5);
    if (kind === 0) frames.push(frame(FRAME.execute, call, '{"call":"c","args":[12345678901234567890,[-0.5e3]]}'));
    else if (kind === 1) frames.push(frame(FRAME.stream, call, '{"call":"c","kwargs":{"count":3}}'));
    else if (kind === 2) frames.push(frame(FRAME.fetch, call, ''));
    else if (kind === 3) frames.push(frame(FRAME.execute, call, '{"call":"c","tool":"twice","kwargs":{"n":1}}'));
    else {
      const text = '{"call":"c","args":[{"value":{"a":null,"b":[null]}}]}';
      const places = '[[["args",0,"value","a"],2],[["args",0,"value","b",0],3]]';
      frames.push(frame(FRAME.execute, call, text, places, 'bytes'));
    }
  }
  return Buffer.concat(frames);
}

function frame(type: number, call: number, text: string, places = '', bytes = ''): Buffer {
  const head = Buffer.alloc(20);
  for (const [at, number] of [type, call, text.length, places.length, bytes.length].entries()) {
    head.writeUInt32LE(number, at * 4);
  }
  return Buffer.concat([head, Buffer.from(text + places + bytes)]);
}

/** The bytes with a few things wrong with them. */
function mutated(whole: Buffer, random: Random): Buffer {
  let bytes = whole;
  const place = (): number => Math.floor(random() * bytes.length);
  for (let times = 1 + Math.floor(random() * 3); times > 0 && bytes.length > 0; times -= 1) {
    const at = place();
    const rest = bytes.subarray(at);
    const before = bytes.subarray(0, at);
    switch (Math.floor(random() * 6)) {
      case 0:
        bytes = before;
        break;
      case 1:
        bytes = Buffer.from(bytes);
        bytes[at] = Math.floor(random() * 256);
        break;
      case 2:
        bytes = Buffer.concat([before, rest.subarray(place())]);
        break;
      case 3:
        bytes = Buffer.concat([before, rest, rest]);
        break;
      case 4:
        bytes = Buffer.concat([before, Buffer.from(Array.from({ length: 8 }, () => random() * 256)), rest]);
        break;
      default:
        bytes = Buffer.from(bytes);
        if (at + 4 <= bytes.length) bytes.writeUInt32LE([0, 2 ** 31, 2 ** 32 - 1, 255 * 2 ** 20][place() % 4]!, at);
    }
  }
  return bytes;
}

function residentMegabytes(): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${worker.child.pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}
