import { expect, test } from 'vitest';
import { isVersionSpec, meetsSpec } from '../../src/python-envs/version-spec.ts';

test.each([
  ['>=3.10', '3.10.0', '3.9.18'],
  ['>=3.10', '3.11.2', '2.7.18'],
  ['>=3.9,<3.12', '3.11.9', '3.12.0'],
  ['>= 3.9 , != 3.11.*', '3.12.1', '3.11.4'],
  ['==3.11.*', '3.11.4', '3.12.0'],
  ['==3.11', '3.11.0', '3.11.1'],
  ['~=3.10', '3.13.0', '4.0.0'],
  ['~=3.10.2', '3.10.9', '3.11.0'],
  ['<=3.11', '3.11.0', '3.11.1'],
  ['>3.9.18', '3.9.19', '3.9.18'],
])('of "%s" %s will do, and %s will not', (spec, good, bad) => {
  expect(isVersionSpec(spec)).toBe(true);
  expect(meetsSpec(good, spec)).toBe(true);
  expect(meetsSpec(bad, spec)).toBe(false);
});

test.each(['', '3.10', '>=3.x', '=>3.10', '>=3.10.*', '>=3.10;', 'python3'])('"%s" is no specifier', (spec) => {
  expect(isVersionSpec(spec)).toBe(false);
});
