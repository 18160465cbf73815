import { expect, test, vi } from 'vitest';
import { parseManifest } from '../../src/manifest/schema.ts';

vi.mock('node:os', async (original) => ({
  ...(await original<object>()),
  availableParallelism: () => 3,
}));

const parse = (instances: unknown) => parseManifest({ name: 'x', command: 'x', instances });

test.each([
  1,
  4,
  1_000,
  'cores',
  { max: 4 },
  { min: 0, max: 'cores', idle_ms: 1, grow_after_ms: 0 },
  { min: 3, max: 3 },
])('a manifest may have %j as instances, and keeps it as it is written', (instances) => {
  expect(parse(instances)).toMatchObject({ ok: true, manifest: { instances } });
});

test('instances that are null are absent, as every field is', () => {
  expect(parse(null)).toMatchObject({ ok: true, manifest: { name: 'x' } });
});

const COUNT = 'expected a whole number of at least 1 and of at most 1000';
const FEWEST = 'expected a whole number of at least 1';
const NONE = 'got 0; for no worker while there are no calls, { "min": 0, "max": 1 }';
const ANY = `${COUNT} or "cores" or an object`;

test.each([
  ['none', 0, 'instances', `${FEWEST}, ${NONE}`],
  ['fewer than none', -1, 'instances', `${FEWEST}, got -1`],
  ['a part of one', 2.5, 'instances', `${ANY}, got 2.5`],
  ['a number as text', '4', 'instances', `${ANY}, got "4"`],
  ['a misspelt word', 'core', 'instances', `${ANY}, got "core"; did you mean "cores"?`],
  ['a list', [1, 4], 'instances', `${ANY}, got a list`],
  [
    'more than a machine runs',
    4_000,
    'instances',
    'expected a whole number of at most 1000, got 4000; each instance is a process, so for more calls at once raise "max_concurrency"',
  ],
  ['no most', { min: 1 }, 'instances.max', `missing; ${COUNT} or "cores"`],
  ['none as the most', { max: 0 }, 'instances.max', `${FEWEST}, ${NONE}`],
  ['a part of one as the most', { max: 1.5 }, 'instances.max', `${COUNT} or "cores", got 1.5`],
  ['null as the most', { max: null }, 'instances.max', `${COUNT} or "cores", got null`],
  ['a misspelt most', { max: 'Cores' }, 'instances.max', `${COUNT} or "cores", got "Cores"; did you mean "cores"?`],
  ['a fewest below none', { min: -1, max: 2 }, 'instances.min', 'expected a whole number of at least 0, got -1'],
  [
    'cores as the fewest',
    { min: 'cores', max: 2 },
    'instances.min',
    'expected a whole number of at least 0, got "cores"',
  ],
  [
    'a fewest above the most',
    { min: 5, max: 4 },
    'instances.min',
    'expected at most 4, the "max", got 5; lower "min" or raise "max"',
  ],
  ['no time to be idle', { max: 2, idle_ms: 0 }, 'instances.idle_ms', 'expected a whole number of at least 1, got 0'],
  [
    'a time as text',
    { max: 2, grow_after_ms: '1s' },
    'instances.grow_after_ms',
    'expected a whole number of at least 0, got "1s"',
  ],
  ['a misspelt field', { max: 2, idel_ms: 5 }, 'instances', 'unknown field "idel_ms"; did you mean "idle_ms"?'],
])('a manifest with %s for instances is refused, and where and why is said', (_what, instances, field, reason) => {
  expect(parse(instances)).toEqual({ ok: false, issues: [{ field, reason }], warnings: [] });
});

test('every fault in the bounds of instances is told', () => {
  const { issues } = parse({ min: 'a', max: 2, idle_ms: 1.5, grow_after_ms: -1 }) as Extract<
    ReturnType<typeof parse>,
    { ok: false }
  >;
  expect(issues.map(({ field }) => field)).toEqual(['instances.min', 'instances.idle_ms', 'instances.grow_after_ms']);
});
