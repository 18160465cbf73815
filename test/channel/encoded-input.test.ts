import { constants } from 'node:buffer';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert, dictionary, jsonValue, property, string } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  callBody,
  type EncodedInput,
  encodeInput,
  removeTempFiles,
  type UnsavedInput,
} from '../../src/channel/encoded-input.ts';
import { GreenroomError } from '../../src/errors.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'greenroom-input-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A value that saves itself. */
function saved(name: string): { toTempFile(): Promise<string>; path: string } {
  const path = join(folder, name);
  return {
    path,
    async toTempFile() {
      await writeFile(path, name);
      return path;
    },
  };
}

function bodyOf(input: unknown): unknown {
  return JSON.parse(callBody('c1', encodeInput('painter', input) as EncodedInput));
}

function unsaved(input: unknown): UnsavedInput {
  const call = encodeInput('painter', input);
  expect(call).toHaveProperty('save');
  return call as UnsavedInput;
}

function refusal(input: unknown): GreenroomError {
  try {
    void encodeInput('painter', input);
  } catch (error) {
    expect(error).toBeInstanceOf(GreenroomError);
    expect((error as GreenroomError).code).toBe('E_SERIALIZE');
    expect((error as GreenroomError).plugin).toBe('painter');
    return error as GreenroomError;
  }
  throw new Error('It was not refused.');
}

describe('encodeInput', () => {
  it.each([
    [{ a: 1 }, [], { a: 1 }],
    [[1, 'b'], [1, 'b'], {}],
    ['text', ['text'], {}],
    [null, [null], {}],
    [false, [false], {}],
    [undefined, [], {}],
    [{ a: undefined, b: null, at: new Date(0) }, [], { b: null, at: '1970-01-01T00:00:00.000Z' }],
    [new Date(0), ['1970-01-01T00:00:00.000Z'], {}],
    [{ toJSON: () => undefined }, [null], {}],
    [{ null: 'null' }, [], { null: 'null' }],
  ])('makes arguments of %j', (input, args, kwargs) => {
    expect(bodyOf(input)).toEqual({ call: 'c1', args, kwargs });
  });

  it('loses nothing of what JSON can say', () => {
    assert(
      property(dictionary(string(), jsonValue()), (input) => {
        expect(bodyOf(input)).toEqual({ call: 'c1', args: [], kwargs: input });
      }),
    );
  });

  const cycle: { list: unknown[] } = { list: [] };
  cycle.list.push({ back: cycle });
  const deep: unknown[] = [];
  let inner = deep;
  for (let depth = 0; depth < 100_000; depth++) {
    const next: unknown[] = [];
    inner.push(next);
    inner = next;
  }
  it.each([
    ['NaN', { scale: [1, { x: Number.NaN }] }, 'input.scale[1].x is NaN'],
    ['an infinity', [-Infinity], 'input[0] is -Infinity'],
    ['a BigInt', { n: { m: 1n } }, 'input.n.m is a BigInt'],
    ['a cycle', cycle, 'input.list[0].back refers back'],
    ['a function', { done: () => {} }, 'input.done is a function'],
    ['a function alone', () => {}, 'input is a function'],
    ['a symbol', [Symbol('s')], 'input[0] is a symbol'],
    ['a Buffer', { audio: Buffer.from('x') }, 'input.audio is binary data; write it to a file'],
    ['bytes alone', new Float32Array(2), 'input is binary data'],
    ['a Map', { counts: new Map([['a', 1]]) }, 'input.counts is a Map'],
    ['a Set alone', new Set([1]), 'input is a Set'],
    ['a Set somewhere below', { deep: { set: new Set(), none: null } }, 'input.deep.set is a Set'],
    ['an ArrayBuffer', [new ArrayBuffer(2)], 'input[0] is binary data'],
  ])('refuses %s and says where it stands', (_what, input, where) => {
    const error = refusal(input);
    expect(error.message).toContain(where);
    expect(error.message).toContain('"painter"');
  });

  it('refuses a value deeper than the stack', () => {
    expect(refusal(deep).message).toContain('is nested deeper than 500 levels');
  });

  it('refuses an input whose getter throws', () => {
    const input = {
      get broken() {
        throw new Error('no value');
      },
    };
    expect(refusal(input).message).toContain('cannot be read: no value');
  });

  it('refuses what is too long for one text', () => {
    // Two of these are more than a string of V8 can hold.
    const half = 'x'.repeat(2 ** 28);
    expect(refusal({ a: half, b: half }).message).toContain('Invalid string length');
    // It fits, and the call around it does not.
    expect(refusal('x'.repeat(constants.MAX_STRING_LENGTH - 100)).message).toContain('Invalid string length');
  });

  it('sends values that save themselves as paths, alone, as arguments and in lists', async () => {
    const alone = await unsaved(saved('alone')).save();
    expect(JSON.parse(alone.input.args)).toEqual([join(folder, 'alone')]);
    const image = saved('image');
    const frames = [saved('f0'), 'as it is', saved('f1')];
    const named = await unsaved({ image, frames, size: 3 }).save();
    const paths = (name: string): string => join(folder, name);
    expect(JSON.parse(named.input.kwargs)).toEqual({
      image: paths('image'),
      frames: [paths('f0'), 'as it is', paths('f1')],
      size: 3,
    });
    expect(named.tempFiles.toSorted()).toEqual([paths('f0'), paths('f1'), paths('image')]);
    expect(named.tempFiles.every(existsSync)).toBe(true);
    removeTempFiles([...named.tempFiles, ...alone.tempFiles, paths('never there')]);
    await vi.waitUntil(() => ![...named.tempFiles, ...alone.tempFiles].some(existsSync));
  });

  it('sends the input as it was at the call, although a file takes its time', async () => {
    const image = saved('slow');
    const input = { image, list: [1], frames: [image, { size: 1 }] };
    const saving = unsaved(input).save();
    input.list.push(2);
    (input.frames[1] as { size: number }).size = 2;
    const asItWas = await saving;
    expect(JSON.parse(asItWas.input.kwargs)).toEqual({
      image: image.path,
      list: [1],
      frames: [image.path, { size: 1 }],
    });
  });

  it('saves no file for an input that cannot be sent', () => {
    const image = saved('never');
    expect(refusal({ image, n: 1n }).message).toContain('input.n is a BigInt');
    expect(refusal({ frames: [image, undefined] }).message).toContain('input.frames[1] is undefined');
    expect(existsSync(image.path)).toBe(false);
  });

  it.each([
    [
      'another value cannot be saved',
      () => Promise.reject(new Error('disk full')),
      'toTempFile() of input.bad[0] failed: disk full',
    ],
    ['another value gives no path', () => 7, 'toTempFile() of input.bad[0] gave no path'],
    ['another value gives what is no path', () => 'a\0b', 'toTempFile() of input.bad[0] gave no path'],
  ])('removes the files when %s', async (_why, toTempFile, message) => {
    const image = saved('left-over');
    const refused = await unsaved({ image, bad: [{ toTempFile }] })
      .save()
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'E_SERIALIZE', plugin: 'painter' });
    expect((refused as Error).message).toContain(message);
    await vi.waitUntil(() => !existsSync(image.path));
  });
});
