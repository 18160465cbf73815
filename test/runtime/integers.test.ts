import { describe, expect, test } from 'vitest';
import { all, failure, openSupervisor } from './greenroom.ts';

const LARGE = [2n ** 53n, 2n ** 63n, -(2n ** 63n) - 1n, 10n ** 30n, -(10n ** 4299n)];

/** The same in Node and in Python: what a program may have that JSON.parse would change. */
const EXACT = JSON.parse(
  '{"zero":-0.0,"large":1e20,"half":["\\ud800"],"\\udc00":1,"__proto__":{"__proto__":[]}}',
) as unknown;

const WIRES: [fixture: string, protocol: 1 | 2][] = [
  ['workbench', 1],
  ['workbench', 2],
  ['workbench-python', 1],
  ['workbench-python', 2],
];

describe.each(WIRES)('numbers to %s and back, over version %i of the protocol,', (fixture, protocol) => {
  test('are what they were: integers of any size, floats, and what else JSON might change', async () => {
    const { supervisor } = await openSupervisor({ plugin: { fixture } }, { protocol });
    expect(await supervisor.execute('plugin', { value: LARGE })).toEqual(LARGE);
    expect(await all(supervisor.stream('plugin', { values: LARGE }))).toEqual(LARGE);
    const error = await failure(supervisor.execute('plugin', { do: 'complain', details: { ids: LARGE } }));
    expect(error.remote?.details).toEqual({ ids: LARGE });
    expect(await supervisor.execute('plugin', { value: [5n, -0, 1e20, 2 ** 53, 0.1] })).toEqual([
      5,
      -0,
      1e20,
      2 ** 53,
      0.1,
    ]);
    const exact = await supervisor.execute('plugin', { value: EXACT });
    expect(exact).toStrictEqual(EXACT);
    expect(Object.keys(exact as object)).toEqual(Object.keys(EXACT as object));
    const rounded = LARGE.slice(0, 4).map(Number);
    expect(await supervisor.execute('plugin', { value: LARGE.slice(0, 4) }, { integers: 'number' })).toEqual(rounded);
    expect(await all(supervisor.stream('plugin', { values: LARGE.slice(0, 4) }, { integers: 'number' }))).toEqual(
      rounded,
    );
    // No number can hold the last.
    expect(await failure(supervisor.execute('plugin', { value: LARGE }, { integers: 'number' }))).toMatchObject({
      code: 'E_SERIALIZE',
    });
    expect(await failure(supervisor.execute('plugin', { value: 10n ** 5000n }))).toMatchObject({
      code: 'E_SERIALIZE',
      message: expect.stringContaining('input.value is an integer of more than 4300 digits'),
    });
    expect(await supervisor.execute('plugin', { value: 'fine' })).toBe('fine');
  });
});

test.each([1, 2] as const)(
  'what time.time_ns() of a Python plugin says comes to the last digit, over version %i',
  async (protocol) => {
    const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench-python' } }, { protocol });
    const { ns, digits } = await supervisor.execute<{ ns: bigint; digits: string }>('plugin', { do: 'clock' });
    expect(ns).toBe(BigInt(digits));
  },
);
