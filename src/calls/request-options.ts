import { checkOptions, type OptionKind, SIGNAL } from '../argument-checks.ts';
import type { RequestOptions } from './request-lease.ts';

const KINDS: Readonly<Record<keyof RequestOptions, OptionKind>> = {
  // Null is fetch's way to say that there is none.
  signal: { ...SIGNAL, fits: (value) => value === null || SIGNAL.fits(value) },
  timeoutMs: {
    expected: 'a number of milliseconds above 0, or Infinity for no limit',
    fits: (value) => typeof value === 'number' && value > 0,
  },
  priority: { expected: 'a finite number', fits: Number.isFinite },
  waitedMs: {
    expected: 'a number of milliseconds from 0',
    fits: (value) => Number.isFinite(value) && (value as number) >= 0,
  },
};

/** Options of a request, of which those that are the plugin's are sound. Throws `E_OPTIONS` where they are not. */
export function checkedRequest<Options extends RequestOptions>(
  where: string,
  plugin: string,
  options: Options,
): Options {
  const { signal, timeoutMs, priority, waitedMs } = options;
  checkOptions(`${where} to "${plugin}"`, { signal, timeoutMs, priority, waitedMs }, KINDS, plugin);
  return options;
}
