import { describe, expect, it } from 'vitest';
import { callInput } from '../../src/cli/call-input.ts';

describe('the input of a call from the command line', () => {
  it('has integers of any size as they were typed', async () => {
    const id = 6687881544318117707n;
    expect(await callInput(`{"ids":[1,-${id}],"z":-0.0}`, [`id=${id}`, 'text=00', 'f=1e20'])).toEqual({
      ids: [1, -id],
      z: -0,
      id,
      text: '00',
      f: 1e20,
    });
    expect(await callInput(`${id}`, [])).toBe(id);
  });

  it.each([
    ['[1e400]', [], 'input[0] is 1e400, which a number in JavaScript cannot hold'],
    [undefined, [`n=${'1'.repeat(4301)}`], '--arg n is 1111'],
    [`${'['.repeat(501)}${']'.repeat(501)}`, [], 'The input cannot be sent: it is nested deeper than 500 levels.'],
  ])('is refused where it cannot be sent as it was typed: %.20s', async (json, fields, message) => {
    await expect(callInput(json, fields)).rejects.toMatchObject({
      code: 'E_OPTIONS',
      message: expect.stringContaining(message),
    });
  });
});
