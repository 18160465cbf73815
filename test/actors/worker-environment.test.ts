import { expect, it } from 'vitest';
import { workerEnvironment } from '../../src/actors/worker-environment.ts';

/** The names that get through, beside those that always do. */
function passed(names: readonly string[], pass: readonly string[]): string[] {
  const host = Object.fromEntries(names.map((name) => [name, '1']));
  return Object.keys(workerEnvironment({ host, pass, set: {}, python: false }));
}

it('passes what fits a pattern, in which a star stands for anything', () => {
  const names = ['HF_TOKEN', 'HF_', 'MY_HF_TOKEN', 'A.C', 'ABC', 'AB', 'ABA', 'LC_ALL'];
  expect(passed(names, ['HF_*'])).toEqual(['HF_TOKEN', 'HF_', 'LC_ALL']);
  expect(passed(names, ['*HF*N'])).toEqual(['HF_TOKEN', 'MY_HF_TOKEN', 'LC_ALL']);
  expect(passed(names, ['A.C'])).toEqual(['A.C', 'LC_ALL']);
  expect(passed(names, ['AB*BA', 'AB*A'])).toEqual(['ABA', 'LC_ALL']);
  expect(passed(names, ['*'])).toEqual(names);
  expect(passed(names, ['A**C'])).toEqual(['A.C', 'ABC', 'LC_ALL']);
});

it('takes any number of patterns, and any number of stars', () => {
  const many = Array.from({ length: 100_000 }, (_, index) => `NAME_${index}_${'x'.repeat(40)}*`);
  expect(passed(['ABC', 'NAME_7'], [...many, 'ABC'])).toEqual(['ABC']);
  // It ends at once, or not within the time of a test.
  expect(passed(['A'.repeat(2_000)], [`${'*A'.repeat(60)}*B*`])).toEqual([]);
});
