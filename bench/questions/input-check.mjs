// @ts-check
// What does the check of an input cost, beside a call of a worker with nothing in between?
import { compileInputCheck } from '../../dist/tools/input-check.js';
import { withNodeWorkers } from '../lib/calls.mjs';
import { compare, limitRow, medianOfRuns } from '../lib/measure.mjs';

const CALLS = 400;
const CHECKS = 20_000;

/** 86 bytes of JSON. */
const INPUT = { path: '/data/audio/file.wav', model: 'base', beams: 5, fast: true, temperature: 0.2 };

const SCHEMA = {
  type: 'object',
  properties: {
    path: { type: 'string' },
    model: { enum: ['base', 'large'] },
    beams: { type: 'integer', minimum: 1 },
    fast: { type: 'boolean' },
    temperature: { type: 'number' },
  },
  required: ['path'],
  additionalProperties: false,
};

const WITH_DEFAULTS = {
  ...SCHEMA,
  properties: { ...SCHEMA.properties, language: { type: 'string', default: 'en' }, words: { default: false } },
};

/** @type {readonly (readonly [string, Record<string, unknown> | undefined, number])[]} */
const TOOLS = [
  ['without a schema', undefined, 0.1],
  ['without defaults', SCHEMA, 1],
  ['with two defaults to fill in', WITH_DEFAULTS, 3],
];

/** @param {import('../lib/measure.mjs').Bench} bench */
export default ({ repetitions }) =>
  withNodeWorkers(async ({ raw, control }) => {
    const rows = [];
    for (const [name, schema, atMost] of TOOLS) {
      const tool = { name: 'transcribe', ...(schema === undefined ? {} : { input_schema: schema }) };
      const { check } = compileInputCheck(tool, 'whisper');
      const comparison = await compare(
        {
          reference: () => medianOfRuns(CALLS, () => raw.call(INPUT)),
          control: () => medianOfRuns(CALLS, () => control.call(INPUT)),
          subject: () => microsecondsOf(() => check(INPUT)),
        },
        { repetitions, warmup: 6 },
      );
      const { figure, reference, aa } = comparison;
      rows.push(
        limitRow(
          `check of an input of 86 bytes ${name}, against a bare call`,
          'µs',
          figure,
          { atMost },
          { reference, aa },
        ),
      );
    }
    return rows;
  });

/** @param {() => { ok: boolean }} check */
async function microsecondsOf(check) {
  const start = performance.now();
  for (let index = 0; index < CHECKS; index += 1) if (!check().ok) throw new Error('The input was refused.');
  return ((performance.now() - start) / CHECKS) * 1_000;
}
