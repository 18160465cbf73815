import * as fc from 'fast-check';
import { expect, it, onTestFinished, vi } from 'vitest';
import { type Frame, MAX_PLACES_BYTES, MAX_TEXT_BYTES } from '../../src/framing/frame.ts';
import { BadFrame, FrameDecoder } from '../../src/framing/frame-decoder.ts';
import { MAX_BYTES } from '../../src/json/placed-bytes.ts';
import { frameOf } from '../channel/played-frames.ts';

const MIB = 1024 * 1024;

type Parts = [type: number, call: number, text: string, places: string, bytes: Buffer];

/** What a frame said; bytes that are not its own are copied, as its reader would. */
function partsOf({ type, call, text, places, bytes, owned }: Frame): Parts {
  return [type, call, text, places, owned ? (bytes as Buffer) : Buffer.from(bytes)];
}

const number = fc.integer({ min: 0, max: 2 ** 32 - 1 });
// A text may have the character that stands for what is not UTF-8.
const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 50 }), fc.constant('a\ufffd'), fc.constant(''));
const bytes = fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array));
const parts: fc.Arbitrary<Parts> = fc.tuple(number, number, text, text, bytes);

/** Cuts the data into pieces of the sizes that come round, and hands them over in one piece of memory. */
function deliver(decoder: FrameDecoder, data: Buffer, sizes: readonly number[]): void {
  const memory = Buffer.alloc(Math.max(...sizes));
  for (let at = 0, n = 0; at < data.length; n += 1) {
    const count = data.copy(memory, 0, at, at + sizes[n % sizes.length]!);
    decoder.write(memory.subarray(0, count));
    memory.fill(0xaa);
    at += count;
  }
}

it('the same frames come of a stream of bytes however it is cut, and nothing changes with the memory it came in', () => {
  fc.assert(
    fc.property(
      fc.array(parts, { maxLength: 8 }),
      fc.array(fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 1000 })), {
        minLength: 1,
        maxLength: 10,
      }),
      (sent, sizes) => {
        const data = Buffer.concat(sent.map((each) => frameOf(...each)));
        for (const cut of [sizes, [1], [Math.max(1, data.length)]]) {
          const got: Parts[] = [];
          const decoder = new FrameDecoder((frame) => got.push(partsOf(frame)));
          deliver(decoder, data, cut);
          expect(got).toEqual(sent);
          expect(decoder.isInside).toBe(false);
        }
      },
    ),
    { numRuns: 300 },
  );
});

it('is inside a frame from its first byte to its last', () => {
  const inside: boolean[] = [];
  const decoder = new FrameDecoder(() => inside.push(decoder.isInside));
  for (const byte of frameOf(1, 2, 'ab', '[]', Buffer.from('c'))) {
    decoder.write(Buffer.from([byte]));
    inside.push(decoder.isInside);
  }
  expect(inside).toEqual([...Array.from({ length: 24 }, () => true), false, false]);
});

/** How much the decoder has allocated at most at once, in bytes. */
function allocations(): { readonly most: () => number } {
  const spy = vi.spyOn(Buffer, 'allocUnsafeSlow');
  onTestFinished(() => spy.mockRestore());
  // Each grows out of the one before it, which is there until then.
  return { most: () => Math.max(0, ...spy.mock.calls.map(([size]) => size)) };
}

it.each([
  ['text', [MAX_TEXT_BYTES, 0, 0]],
  ['places', [0, MAX_PLACES_BYTES, 0]],
  ['bytes', [0, 0, MAX_BYTES]],
  ['all of them', [MAX_TEXT_BYTES, MAX_PLACES_BYTES, MAX_BYTES]],
])('memory grows with what has come of %s, not with what a head claims', (_what, lengths) => {
  const decoder = new FrameDecoder(() => {});
  const allocated = allocations();
  decoder.write(Buffer.from(new Uint32Array([19, 1, ...lengths]).buffer));
  expect(allocated.most()).toBeLessThanOrEqual(MIB);
  const piece = Buffer.alloc(64 * 1024, 'a');
  for (let come = 0; come < 8 * MIB; ) {
    decoder.write(piece);
    come += piece.length;
    expect(allocated.most()).toBeLessThanOrEqual(Math.max(MIB, 4 * (come + 20)));
  }
});

it('memory of a frame that has come is not kept for the next', () => {
  const decoder = new FrameDecoder(() => {});
  const long = frameOf(19, 1, 'a'.repeat(3 * MIB), '', Buffer.alloc(3 * MIB));
  for (let n = 0; n < 2; n += 1) {
    decoder.write(long.subarray(0, MIB));
    decoder.write(long.subarray(MIB));
  }
  const allocated = allocations();
  decoder.write(frameOf(1, 1, 'ab').subarray(0, 21));
  expect(allocated.most()).toBeLessThanOrEqual(22);
});

const head = (...lengths: number[]): Buffer => Buffer.from(new Uint32Array([19, 1, ...lengths]).buffer);
it.each<[string, Buffer, number | undefined]>([
  ['256 MiB and a byte of text', head(MAX_TEXT_BYTES + 1, 0, 0), undefined],
  ['16 MiB and a byte of places', head(0, MAX_PLACES_BYTES + 1, 0), undefined],
  ['256 MiB and a byte of bytes', head(0, 0, MAX_BYTES + 1), undefined],
  ['4 GiB of everything', head(0xff_ff_ff_ff, 0xff_ff_ff_ff, 0xff_ff_ff_ff), undefined],
  ['more than it was told one may have', head(50, 30, 21), 100],
  ['a text that is not UTF-8', Buffer.concat([head(2, 0, 0), Buffer.from([0xc3, 0x28])]), undefined],
  ['places that are not UTF-8', Buffer.concat([head(1, 1, 0), Buffer.from([0x61, 0xff])]), undefined],
  ['half a character', Buffer.concat([head(1, 1, 0), Buffer.from([0xc3, 0xa4])]), undefined],
])('a frame with %s is a BadFrame, in one piece or many', (_what, data, most) => {
  for (const size of [data.length, 1, 7]) {
    const decoder = new FrameDecoder(() => expect.unreachable(), most);
    expect(() => deliver(decoder, data, [size])).toThrow(BadFrame);
  }
});

it('a frame that has exactly what one may have is read', () => {
  const whole = frameOf(1, 1, 'a'.repeat(50), ' '.repeat(30), Buffer.alloc(20));
  for (const size of [whole.length, 1]) {
    let count = 0;
    deliver(new FrameDecoder(() => (count += 1), 100), whole, [size]);
    expect(count).toBe(1);
  }
});

it('what is done to the memory of empty bytes harms no other frame', () => {
  const decoder = new FrameDecoder(({ bytes, owned }) => {
    if (owned) structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] });
    expect(Buffer.from(bytes.subarray(0, 0))).toHaveLength(0);
  });
  for (const size of [1, 1000, 1, 1000]) deliver(decoder, frameOf(1, 1, '""', '[[[],0]]'), [size]);
});
