import { describe, expect, it } from 'vitest';
import { parseAnswer, unreadableError } from '../../src/channel/exact-answer.ts';
import { UnreadableJson } from '../../src/json/read-json.ts';

const never = (): boolean => false;

describe('parseAnswer', () => {
  it('reads large integers exactly, or as numbers where that is asked for', () => {
    const text = '{"result":{"id":725653563933458433}}';
    expect(parseAnswer(text, never, 'bigint')).toEqual({ result: { id: 725653563933458433n } });
    expect(parseAnswer(text, never, 'number')).toEqual({ result: { id: 725653563933458400 } });
  });

  it('refuses a number that no float can hold, with its place', () => {
    expect(() => parseAnswer('{"result":[0,1e999]}', never, 'bigint')).toThrow(UnreadableJson);
    expect(() => parseAnswer('{"result":[0,1e999]}', never, 'bigint')).toThrow('result[1] is 1e999');
    expect(unreadableError('talker', new UnreadableJson('result is 1e999'))).toMatchObject({
      code: 'E_SERIALIZE',
      plugin: 'talker',
      message: expect.stringContaining('"talker" sent'),
    });
  });

  it('keeps an error, with such numbers as text', () => {
    const text = '{"error":{"message":"no","details":{"id":725653563933458433,"n":1e999}}}';
    expect(parseAnswer(text, () => true, 'bigint')).toEqual({
      error: { message: 'no', details: { id: '725653563933458433', n: '1e999' } },
    });
  });

  it('refuses a value of more levels than one may have, however many', () => {
    const nested = (levels: number): string => `{"result":${'['.repeat(levels)}1${']'.repeat(levels)}}`;
    expect(parseAnswer(nested(500), never, 'bigint')).toEqual(JSON.parse(nested(500)));
    for (const levels of [501, 200_000]) {
      expect(() => parseAnswer(nested(levels), never, 'bigint')).toThrow('nested deeper than 500 levels');
    }
  });
});
