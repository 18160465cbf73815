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
