import { describe, expect, test } from 'vitest';
import { mediaTypeOf } from '../../src/mcp-front/media-type.ts';
import { shownTool } from '../../src/mcp-front/native-plugin.ts';
import { streamedResult, toolResult } from '../../src/mcp-front/native-result.ts';
import { ProgressScale } from '../../src/mcp-front/progress-scale.ts';

const PNG = Uint8Array.from(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'));
const text = (value: string) => ({ type: 'text', text: value });
const result = (value: unknown) => toolResult(value, 'greenroom://a/b');

describe('what a tool of a plugin gives', () => {
  test.each([
    ['a text', 'hello', 'hello'],
    ['a list', [1, 'two'], '[1,"two"]'],
    ['null', null, 'null'],
    ['nothing', undefined, 'null'],
    ['a large integer', 2n ** 60n, '1152921504606846976'],
  ])('is a text where it is %s', (_what, value, expected) => {
    expect(result(value)).toEqual({ content: [text(expected)] });
  });

  test('is text and structured where it is an object', () => {
    expect(result({ a: [1] })).toEqual({ content: [text('{"a":[1]}')], structuredContent: { a: [1] } });
  });

  test('is an image, sound or a file where it is bytes', () => {
    const data = Buffer.from(PNG).toString('base64');
    expect(result(PNG)).toEqual({ content: [{ type: 'image', mimeType: 'image/png', data }] });
    expect(result(Buffer.from('OggS'))).toMatchObject({ content: [{ type: 'audio', mimeType: 'audio/ogg' }] });
    expect(result(Buffer.from('%PDF-'))).toEqual({
      content: [
        {
          type: 'resource',
          resource: {
            uri: 'greenroom://a/b/1',
            mimeType: 'application/pdf',
            blob: Buffer.from('%PDF-').toString('base64'),
          },
        },
      ],
    });
    expect(result(Buffer.from('?'))).toMatchObject({
      content: [{ resource: { mimeType: 'application/octet-stream' } }],
    });
  });

  test('has the bytes that are part of a value beside it, and a text in their place', () => {
    const described = { pages: [{ name: 'dot', picture: '(image/png, 8 bytes: greenroom://a/b/1)' }] };
    expect(result({ pages: [{ name: 'dot', picture: PNG }] })).toEqual({
      content: [text(JSON.stringify(described)), expect.objectContaining({ type: 'image' })],
      structuredContent: described,
    });
  });

  test('is one text where it streams texts, and else a list', () => {
    expect(streamedResult(['a', 'b'], 'x')).toEqual({ content: [text('ab')] });
    expect(streamedResult([{ n: 1 }, 2], 'x')).toEqual({ content: [text('[{"n":1},2]')] });
    expect(streamedResult([], 'x')).toEqual({ content: [text('')] });
  });
});

test.each([
  ['\xff\xd8\xff\xe0', 'image/jpeg'],
  ['GIF89a', 'image/gif'],
  ['RIFF1234WEBP', 'image/webp'],
  ['RIFF1234WAVE', 'audio/wav'],
  ['ID3', 'audio/mpeg'],
  ['\0\0\0 ftypavif', 'image/avif'],
  ['\0\0\0 ftypisom', 'video/mp4'],
  ['hello', undefined],
  ['', undefined],
])('bytes that begin with %j are of type %s', (head, type) => {
  expect(mediaTypeOf(Buffer.from(head, 'latin1'))).toBe(type);
});

describe('a tool as clients are shown it', () => {
  test('takes an object, whatever its plugin says or does not say', () => {
    expect(shownTool({ name: 'a' }, 'of the plugin')).toEqual({
      name: 'a',
      description: 'of the plugin',
      inputSchema: { type: 'object' },
    });
    const input_schema = { properties: { x: { type: 'number' } }, required: ['x'] };
    expect(shownTool({ name: 'a', description: 'own', input_schema }, 'of the plugin')).toEqual({
      name: 'a',
      description: 'own',
      inputSchema: { ...input_schema, type: 'object' },
    });
  });

  test('has the hints that its plugin gives, and no others', () => {
    expect(shownTool({ name: 'a', read_only: false, destructive: true })['annotations']).toEqual({
      readOnlyHint: false,
      destructiveHint: true,
    });
    expect(shownTool({ name: 'a' })).not.toHaveProperty('annotations');
  });

  test('has a schema of its result only where that is one object', () => {
    const output_schema = { type: 'object' };
    expect(shownTool({ name: 'a', output_schema })).toHaveProperty('outputSchema', output_schema);
    expect(shownTool({ name: 'a', output_schema, streams: true })).not.toHaveProperty('outputSchema');
    expect(shownTool({ name: 'a', output_schema: { type: 'array' } })).not.toHaveProperty('outputSchema');
  });
});

describe('progress', () => {
  const shown = (...reports: number[]): unknown[] => {
    const scale = new ProgressScale();
    return reports.map((progress) => scale.next({ progress, message: undefined }));
  };

  test('is told in fractions of 1', () => {
    expect(shown(0, 0.5, 1)).toEqual([0, 0.5, 1].map((progress) => ({ progress, total: 1 })));
  });

  test('is counted once it is unknown', () => {
    expect(shown(-1, -1, 0.5)).toEqual([1, 2, 3].map((progress) => ({ progress })));
    expect(shown(0.5, -1)).toEqual([{ progress: 0.5, total: 1 }, { progress: 1 }]);
  });

  test('always goes on, as clients expect', () => {
    const all = shown(0.5, 0.5, 0.25, -1, 1, 0).map((each) => (each as { progress: number }).progress);
    expect(all.toSorted((a, b) => a - b)).toEqual(all);
    expect(new Set(all).size).toBe(all.length);
  });
});
