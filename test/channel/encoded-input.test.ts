import { constants } from 'node:buffer';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { assert, dictionary, jsonValue, property, string } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Arguments } from '../../src/channel/arguments.ts';
import {
  callBody,
  type EncodedInput,
  encodeInput,
  encodeJsonInput,
  removeTempFiles,
  type UnsavedInput,
} from '../../src/channel/encoded-input.ts';
import { GreenroomError } from '../../src/errors.ts';
import { eventuallyTrue } from '../eventually.ts';

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

  it.each([
    [
      'digits of integers',
      { n: [10n ** 20n, -1n], big: 2n ** 64n },
      '{"n":[100000000000000000000,-1],"big":18446744073709551616}',
    ],
    ['negative zero as a float', { n: [-0] }, '{"n":[-0.0]}'],
    ['large numbers as floats', { n: 2 ** 60 }, '{"n":1.152921504606847e+18}'],
    ['half of a character', { text: '\ud800' }, '{"text":"\\ud800"}'],
    ['a name that is reserved', JSON.parse('{"__proto__":{"a":1}}'), '{"__proto__":{"a":1}}'],
    ['objects of another realm', runInNewContext('({ a: [{ b: 1 }] })'), '{"a":[{"b":1}]}'],
  ])('writes %s', (_what, input, kwargs) => {
    expect(encodeInput('painter', input)).toEqual({ args: '[]', kwargs, bytes: [] });
  });

  it('takes bytes out of whichever place, with the place in the body of the call', () => {
    const bytes = (text: string): Uint8Array => Buffer.from(text);
    const { buffer } = new Uint8Array([104, 105]);
    const places = (input: unknown): unknown[] => {
      const { args, kwargs, bytes: taken } = encodeInput('painter', input) as EncodedInput;
      return [args, kwargs, ...taken.map(({ path, bytes: data }) => [path.join('/'), String(data)])];
    };
    expect(places(bytes('a'))).toEqual(['[null]', '{}', ['args/0', 'a']]);
    expect(places([1, bytes('a'), { deep: [buffer] }])).toEqual([
      '[1,null,{"deep":[null]}]',
      '{}',
      ['args/1', 'a'],
      ['args/2/deep/0', 'hi'],
    ]);
    expect(places({ a: { b: bytes('a') }, c: bytes('') })).toEqual([
      '[]',
      '{"a":{"b":null},"c":null}',
      ['kwargs/a/b', 'a'],
      ['kwargs/c', ''],
    ]);
  });

  it('takes bytes beside values that save themselves', async () => {
    const image = saved('beside');
    const { input, tempFiles } = await unsaved({ frames: [image, Buffer.from('raw')] }).save();
    expect(JSON.parse(input.kwargs)).toEqual({ frames: [image.path, null] });
    expect(input.bytes).toEqual([{ path: ['kwargs', 'frames', 1], bytes: Buffer.from('raw') }]);
    removeTempFiles(tempFiles);
  });

  it('refuses bytes where the wire carries only JSON', () => {
    expect(() => encodeJsonInput('elder', { audio: [Buffer.from('x')] })).toThrow(
      'input.audio[0] is binary data; write it to a file and pass its path, or pass it as base64',
    );
  });

  it('writes positional and keyword arguments together', () => {
    const list: unknown[] = [1, { a: [Buffer.from('x')] }];
    const named = { scale: 2n ** 64n, audio: Buffer.from('yz') };
    const input = new Arguments(list, named);
    list.push('too late');
    Object.assign(named, { late: true });
    expect(encodeInput('painter', input)).toEqual({
      args: '[1,{"a":[null]}]',
      kwargs: '{"scale":18446744073709551616,"audio":null}',
      bytes: [
        { path: ['args', 1, 'a', 0], bytes: Buffer.from('x') },
        { path: ['kwargs', 'audio'], bytes: Buffer.from('yz') },
      ],
    });
    expect(bodyOf(new Arguments())).toEqual({ call: 'c1', args: [], kwargs: {} });
    expect(refusal(new Arguments([[NaN]])).message).toContain('input.args[0][0] is NaN');
    expect(refusal(new Arguments([1], { n: { set: new Set() } })).message).toContain('input.kwargs.n.set is a Set');
    expect(refusal({ a: new Arguments() }).message).toContain('input.a is an instance of Arguments without fields');
  });

  it('saves values of positional and of keyword arguments to files', async () => {
    const [image, mask] = [saved('image-2'), saved('mask-2')];
    const { input, tempFiles } = await unsaved(new Arguments([image, 2], { masks: [mask], n: 1 })).save();
    expect(input).toEqual({
      args: JSON.stringify([image.path, 2]),
      kwargs: JSON.stringify({ masks: [mask.path], n: 1 }),
      bytes: [],
    });
    removeTempFiles(tempFiles);
  });

  it.each([
    ['a text', ['x'], 'The positional arguments of new Arguments() must be a list, got "x".'],
    [
      'a list of names',
      [[], ['x']],
      'The keyword arguments of new Arguments() must be a plain object of values by name',
    ],
    ['a Map', [[], new Map()], 'must be a plain object of values by name, got Map'],
    ['null', [[], null], 'must be a plain object of values by name, got null'],
    ['what writes itself otherwise', [[], { toJSON: () => 1 }], 'must be a plain object of values by name'],
  ])('makes no arguments of %s', (_what, given, message) => {
    expect(() => new Arguments(...(given as unknown as ConstructorParameters<typeof Arguments>))).toThrow(
      expect.objectContaining({ code: 'E_OPTIONS', message: expect.stringContaining(message) }),
    );
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
    ['a longer integer than Python reads', { n: { m: 10n ** 5000n } }, 'input.n.m is an integer of more than 4300'],
    ['a cycle', cycle, 'input.list[0].back refers back'],
    ['a function', { done: () => {} }, 'input.done is a function'],
    ['a function alone', () => {}, 'input is a function'],
    ['a symbol', [Symbol('s')], 'input[0] is a symbol'],
    [
      'a list of floats',
      { audio: new Float32Array(2) },
      'input.audio is a Float32Array; pass a Uint8Array of its buffer',
    ],
    ['shared memory alone', new SharedArrayBuffer(2), 'input is a SharedArrayBuffer; pass a Uint8Array of it'],
    ['a Map', { counts: new Map([['a', 1]]) }, 'input.counts is a Map'],
    ['a Set alone', new Set([1]), 'input is a Set'],
    ['a Set somewhere below', { deep: { set: new Set(), none: null } }, 'input.deep.set is a Set'],
    ['a RegExp', { match: [/x/] }, 'input.match[0] is a RegExp'],
    ['a Promise', { later: Promise.resolve(1) }, 'input.later is a Promise'],
    ['an Error', [{ cause: new Error('x') }], 'input[0].cause is an Error'],
    ['a WeakMap', { seen: new WeakMap() }, 'input.seen is an instance of WeakMap without fields'],
    ['a boxed primitive', { n: Object(1) }, 'input.n is a boxed primitive'],
    ['an invalid Date', { at: { of: new Date(Number.NaN) } }, 'input.at.of is an invalid Date'],
    [
      'an instance without fields',
      [new URLSearchParams('a=1')],
      'input[0] is an instance of URLSearchParams without fields',
    ],
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
    await eventuallyTrue(() => ![...named.tempFiles, ...alone.tempFiles].some(existsSync));
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
    expect(refusal({ image, n: NaN }).message).toContain('input.n is NaN');
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
    await eventuallyTrue(() => !existsSync(image.path));
  });
});
