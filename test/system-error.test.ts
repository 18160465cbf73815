import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { GreenroomError } from '../src/errors.ts';
import { shortageIn, systemCodeOf } from '../src/system-error.ts';

const systemError = (code: string): Error => Object.assign(new Error(`spawn python3 ${code}`), { code });

test('a shortage is found wherever it is among the causes', () => {
  const error = new GreenroomError('E_START', 'x', { cause: new Error('y', { cause: systemError('EMFILE') }) });
  expect(shortageIn(error)).toContain('file descriptor');
});

test.each(['ENOENT', 'EACCES', 'ENOEXEC', 'E_START'])('%s is no shortage', (code) => {
  expect(shortageIn(systemError(code))).toBeUndefined();
});

test('an error that is its own cause ends the search', () => {
  const error = new Error('x');
  error.cause = error;
  expect(shortageIn(error)).toBeUndefined();
});

test('the code of a system call is told from any other', () => {
  const read = (): string => readFileSync('/nowhere/at/all', 'utf8');
  expect(() => read()).toThrow();
  try {
    read();
  } catch (error) {
    expect(systemCodeOf(error)).toBe('ENOENT');
  }
  expect(systemCodeOf(Object.assign(new Error('x'), { code: 'ERR_INVALID_ARG_TYPE' }))).toBeUndefined();
  expect(systemCodeOf('ENOENT')).toBeUndefined();
});

test('a package that cannot be opened for want of descriptors is a shortage, as Node 26 tells it too', () => {
  const text = 'Cannot read package config /x/package.json: too many open files.';
  const error = Object.assign(new Error(text), { code: 'ERR_INVALID_PACKAGE_CONFIG' });
  expect(shortageIn(error)).toMatch(/no file descriptor left/);
  const broken = Object.assign(new Error('Invalid package config'), { code: 'ERR_INVALID_PACKAGE_CONFIG' });
  expect(shortageIn(broken)).toBeUndefined();
});
