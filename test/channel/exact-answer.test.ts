import { describe, expect, it } from 'vitest';
import { InexactAnswer, inexactError, parseAnyAnswer } from '../../src/channel/exact-answer.ts';

const never = (): boolean => false;

describe('parseAnyAnswer', () => {
  it('reads numbers that JavaScript holds', () => {
    const text = '{"result":{"n":[9007199254740991,-0.0,0.5,1e20,1.8446744073709552e19],"t":"12345678901234567890"}}';
    expect(parseAnyAnswer(text, never)).toEqual(JSON.parse(text));
  });

  it('refuses one that JavaScript would round, with its place and its digits', () => {
    const parse = (): unknown => parseAnyAnswer('{"result":{"ids":[1,725653563933458433]}}', never);
    expect(parse).toThrow(InexactAnswer);
    expect(parse).toThrow('result.ids[1] is 725653563933458433, which a number in JavaScript cannot hold exactly');
    expect(() => parseAnyAnswer('725653563933458433', never)).toThrow('the answer is 725653563933458433');
    expect(() => parseAnyAnswer('{"result":1e999}', never)).toThrow('result is 1e999');
    expect(inexactError('talker', new InexactAnswer('result is 1e999'))).toMatchObject({
      code: 'E_SERIALIZE',
      plugin: 'talker',
      message: expect.stringContaining('"talker" sent'),
    });
  });

  it('keeps an error, with such numbers as text', () => {
    const text = '{"error":{"message":"no","details":{"id":725653563933458433,"n":1}}}';
    expect(parseAnyAnswer(text, () => true)).toEqual({
      error: { message: 'no', details: { id: '725653563933458433', n: 1 } },
    });
  });

  it('refuses a value of more levels than one may have, however many', () => {
    const nested = (levels: number): string => `{"result":${'['.repeat(levels)}1${']'.repeat(levels)}}`;
    expect(parseAnyAnswer(nested(500), never)).toEqual(JSON.parse(nested(500)));
    for (const levels of [501, 200_000]) {
      expect(() => parseAnyAnswer(nested(levels), never)).toThrow('nested deeper than 500 levels');
    }
  });
});
