import { expect, test } from 'vitest';
import { versionFit } from '../../src/client/interface-version.ts';

test.each([
  ['0.1.0', '0.1.0', 'same'],
  ['0.1.4', '0.1.0', 'fits'],
  ['0.2.0', '0.1.9', 'differs'],
  ['1.2.0', '1.9.3', 'fits'],
  ['2.0.0', '1.9.3', 'differs'],
])('a daemon of version %s and a client of %s: %s', (daemon, own, fit) => {
  expect(versionFit(daemon, own)).toBe(fit);
});
