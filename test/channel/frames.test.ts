import { array, assert, nat, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CallKind, FrameReader } from '../../src/channel/frames.ts';
import type { CallSink } from '../../src/channel/worker-channel.ts';
import type { GreenroomError } from '../../src/errors.ts';

type Event = readonly [string, ...unknown[]];

function read(kind: CallKind, pieces: readonly Buffer[], maxLength?: number): Event[] {
  const events: Event[] = [];
  const sink: CallSink = {
    onProgress: (progress, message) => void events.push(['progress', progress, message]),
    onChunk: (chunk) => void events.push(['chunk', chunk]),
    onResult: (result) => void events.push(['result', result]),
    onError: (error: GreenroomError) => void events.push(['error', error.code, error]),
  };
  const reader = new FrameReader('talker', kind, sink, 'bigint', maxLength);
  for (const piece of pieces) reader.write(piece);
  reader.end();
  expect(reader.done).toBe(true);
  return events;
}

const readText = (kind: CallKind, text: string): Event[] => read(kind, [Buffer.from(text)]);
const codes = (events: readonly Event[]): unknown[] => events.map((event) => event.slice(0, 2));

describe('FrameReader', () => {
  it('hands on progress and the result of a call, in order', () => {
    expect(readText('execute', '{"progress":0.5,"message":"half"}\n{"progress":-1}\n{"result":{"a":1}}\n')).toEqual([
      ['progress', 0.5, 'half'],
      ['progress', -1, undefined],
      ['result', { a: 1 }],
    ]);
  });

  it('hands on the chunks of a stream and ends it', () => {
    expect(readText('stream', '{"chunk":null}\r\n\n{"chunk":"x"}\n{"end":true}')).toEqual([
      ['chunk', null],
      ['chunk', 'x'],
      ['result', undefined],
    ]);
  });

  it('hands on the error of the plugin with what it left out filled in', () => {
    const [event] = readText('stream', '{"error":{"type":"ValueError","message":"no"}}\n');
    expect(event?.[1]).toBe('E_REMOTE');
    const error = event?.[2] as GreenroomError;
    expect(error.remote).toMatchObject({ type: 'ValueError', message: 'no', category: 'fatal', retryable: false });
    expect(error.plugin).toBe('talker');
    expect(error.message).toContain('talker');
  });

  it.each([
    ['execute', '{"result":1'],
    ['execute', '[1]'],
    ['execute', '7'],
    ['execute', '{"chunk":1}'],
    ['execute', '{"end":true}'],
    ['stream', '{"result":1}'],
    ['stream', '{"end":false}'],
    ['stream', '{"progress":"half"}'],
    ['stream', '{}'],
  ] as const)('refuses in %s what is no frame of it: %s', (kind, line) => {
    expect(codes(readText(kind, `${line}\n`))).toEqual([['error', 'E_PROTOCOL']]);
  });

  it('calls a body without a last frame a crash, and only after its chunks', () => {
    expect(codes(readText('stream', '{"chunk":1}\n'))).toEqual([
      ['chunk', 1],
      ['error', 'E_CRASHED'],
    ]);
  });

  it('hands on nothing after the last frame', () => {
    expect(readText('stream', '{"end":true}\n{"chunk":1}\n{"error":{}}\n')).toEqual([['result', undefined]]);
  });

  it('refuses a line that grows without end', () => {
    const piece = Buffer.from('x'.repeat(60));
    expect(codes(read('stream', [Buffer.from('{"chunk":"'), piece, piece], 100))).toEqual([['error', 'E_PROTOCOL']]);
  });

  it('reads the same however the bytes are cut', () => {
    const cuts = array(nat(), { maxLength: 30 });
    const chunks = array(string({ unit: 'binary' }), { maxLength: 20 });
    assert(
      property(chunks, cuts, (values, at) => {
        const lines = values.map((chunk) => `${JSON.stringify({ chunk: `é🙂${chunk}` })}\n`);
        const bytes = Buffer.from(`${lines.join('')}{"end":true}`);
        const borders = [0, ...at.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
        const pieces = borders.slice(1).map((end, index) => bytes.subarray(borders[index], end));
        expect(read('stream', pieces)).toEqual(read('stream', [bytes]));
        expect(read('stream', pieces)).toHaveLength(values.length + 1);
      }),
    );
  });
});
