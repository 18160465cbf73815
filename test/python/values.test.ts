import { afterEach, describe, expect, it } from 'vitest';
import { PythonWorker } from './worker.ts';

let worker: PythonWorker | undefined;

async function started(): Promise<PythonWorker> {
  worker = new PythonWorker({ module: 'values', class: 'Values' });
  await worker.ready;
  return worker;
}

afterEach(async () => {
  await worker?.stop();
});

/** Places of a value, and how they are told. */
const PLACES: [string, (value: string) => string, (json: string) => string][] = [
  ['', (value) => value, (json) => json],
  ['.a', (value) => `{"a": ${value}}`, (json) => `{"a":${json}}`],
  ['.a[1].b', (value) => `{"z": None, "a": [0, {"b": ${value}}]}`, (json) => `{"z":null,"a":[0,{"b":${json}}]}`],
  ['[0][0][1]', (value) => `[(["x", ${value}],)]`, (json) => `[[["x",${json}]]]`],
  ['.content[0]', (value) => `Box([${value}])`, (json) => `{"content":[${json}]}`],
  ['.content.k', (value) => `Convertible({"k": ${value}})`, (json) => `{"content":{"k":${json}}}`],
];

describe('values of a Python plugin', () => {
  it.each([
    ['10**5000', 'an integer of 16610 bits, which has too many digits; return it as hex(value)'],
    ['-(10**4300)', 'an integer of 14285 bits'],
    ['float("nan")', 'nan'],
    ['float("-inf")', '-inf'],
    ['{1: "a", "1": "b"}', 'has two keys that JSON would write as "1"'],
    ['{True: 1}', 'has a key of type bool; keys must be str or int'],
    ['{None: 1}', 'has a key of type NoneType'],
    ['{1.5: 1}', 'has a key of type float'],
    ['{(1, 2): 3}', 'has a key of type tuple'],
    ['{10**5000: 1}', 'as a key; make it a str'],
    ['b"x"', 'version 1 of the worker protocol, the config and the descriptions of tools carry only JSON'],
    ['memoryview(b"x")', 'encode them as base64, or write them to a file and return its path'],
    ['object()', 'a value of type object has no JSON form'],
    ['decimal.Decimal("1.1")', 'a value of type Decimal has no JSON form'],
    ['1j', 'a value of type complex has no JSON form'],
    ['range(3)', 'a value of type range has no JSON form'],
    ['(lambda: 1)', 'a value of type function has no JSON form'],
    ['ValueError("x")', 'a value of type ValueError has no JSON form'],
    ['Values', 'a value of type type has no JSON form'],
    ['cycle()', 'contains itself'],
    ['nested(501)', 'is nested deeper than 500 levels'],
  ])('that JSON would change are refused at any depth, with the place: %s', async (value, message) => {
    const python = await started();
    for (const [place, put] of PLACES) {
      const answer = JSON.parse((await python.execute({ expression: put(value) })).text);
      expect(answer.error, place).toMatchObject({ type: 'SerializeError', category: 'input' });
      expect(answer.error.message, place).toContain(message);
      if (!message.includes('nested')) expect(answer.error.message, place).toContain(`result${place}`);
    }
    const stream = await python.send('/execute_stream', { call: 's', args: [], kwargs: { expression: `[${value}]` } });
    expect(JSON.parse(stream.text)).toMatchObject({ error: { type: 'SerializeError' } });
    expect(stream.text).toContain('chunk[0]');
  });

  it.each([
    ['2**53', '9007199254740992'],
    ['-(2**63) - 1', '-9223372036854775809'],
    ['10**4299', `1${'0'.repeat(4299)}`],
    ['Number.LARGE', '1152921504606846976'],
    ['-0.0', '-0.0'],
    ['2.0**64', '1.8446744073709552e+19'],
    ['"\\ud800"', '"\\ud800"'],
    ['(1, 2)', '[1,2]'],
    ['Pair(1, 2)', '[1,2]'],
    ['{3}', '[3]'],
    ['{1: "a", 2**70: "b"}', '{"1":"a","1180591620717411303424":"b"}'],
    ['Number.ONE', '1'],
    ['Word.YES', '"yes"'],
    ['Colour.RED', '{"red":2}'],
    ['collections.OrderedDict(b=1, a=2)', '{"b":1,"a":2}'],
    ['datetime.date(2020, 1, 2)', '"2020-01-02"'],
    ['pathlib.PurePosixPath("/a")', '"/a"'],
  ])('that JSON carries, or that have a form of their own, are written at any depth: %s', async (value, json) => {
    const python = await started();
    for (const [place, put, wrap] of PLACES) {
      expect((await python.execute({ expression: put(value) })).text, place).toBe(`{"result":${wrap(json)}}`);
    }
  });

  it('may be nested as deep as the host takes them', async () => {
    const python = await started();
    const { text } = await python.execute({ expression: 'nested(500)' });
    expect(text).toBe(`{"result":${'['.repeat(500)}${']'.repeat(500)}}`);
  });

  it('attached to an error come as text where JSON would change them, and as messages of progress as text', async () => {
    const python = await started();
    const details = async (expression: string): Promise<unknown> =>
      JSON.parse((await python.execute({ expression, how: 'raise' })).text).error.details;
    expect(await details('{"a": [2**53 - 1]}')).toEqual({ a: [2 ** 53 - 1] });
    expect(await details('{"a": [10**5000]}')).toBe('<dict>');
    expect(await details('{"a": [b"x"]}')).toBe("{'a': [b'x']}");
    const [progress = ''] = (await python.execute({ expression: '2**64', how: 'report' })).text.split('\n');
    expect(JSON.parse(progress)).toEqual({ progress: 0.5, message: '18446744073709551616' });
  });
});
