import { z } from 'zod';
import { isOptions } from '../argument-checks.ts';
import { checked, mustBe, OPTIONS } from './check.ts';

const METHODS_OF_LOGGERS = ['info', 'warn', 'error', 'fatal'];

const METHODS_OF_CLOCKS = ['now', 'monotonic', 'setTimeout', 'clearTimeout'];

/** What only a program can give, and neither a file nor the environment. */
const programSchema = z.looseObject(
  {
    logger: port((value) => hasMethods(value, METHODS_OF_LOGGERS), 'a pino logger'),
    clock: port((value) => hasMethods(value, METHODS_OF_CLOCKS), `an object with ${METHODS_OF_CLOCKS.join('(), ')}()`),
    random: port((value) => typeof value === 'function', 'a function'),
    observer: port(isObserver, 'a function, or an object with next()'),
  },
  { error: mustBe('an object') },
);

/** Throws `E_OPTIONS` unless the options are an object, in which what only a program can give has the methods it needs. */
export function checkProgramOptions(options: unknown): void {
  checked(programSchema, options, OPTIONS);
}

function port(fits: (value: unknown) => boolean, expected: string) {
  return z.custom(fits, { error: mustBe(expected) }).optional();
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  return isOptions(value) && names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
}

/** As those of tools for XState, an object may leave out what it does not want to be told. */
function isObserver(value: unknown): boolean {
  if (typeof value === 'function') return true;
  return isOptions(value) && (!('next' in value) || value.next === undefined || typeof value.next === 'function');
}
