import { isInForeground } from './foreground.ts';

/** What each key does, by its character. */
export type Keys = Readonly<Record<string, () => void>>;

const CONTROL_C = '\u0003';
const CONTROL_Z = '\u001a';
const CONTROL_BACKSLASH = '\u001c';

/**
 * Takes the keys of the terminal one by one until what is returned is called. The terminal is as it was before whenever
 * this process ends or is stopped; only SIGKILL leaves it as it is. Keys that the system would make signals of still do
 * that. Undefined where standard input is no terminal.
 */
export function takeKeys(keys: Keys): (() => void) | undefined {
  const { stdin } = process;
  if (!stdin.isTTY) return undefined;
  const onData = (typed: Buffer): void => {
    for (const key of typed.toString('latin1')) press(key);
  };
  const press = (key: string): void => {
    if (key === CONTROL_C) process.kill(process.pid, 'SIGINT');
    else if (key === CONTROL_Z) leaveBy('SIGTSTP');
    else if (key === CONTROL_BACKSLASH) leaveBy('SIGQUIT');
    else if (Object.hasOwn(keys, key)) keys[key]?.();
  };
  const leaveBy = (signal: NodeJS.Signals): void => {
    restore();
    process.kill(process.pid, signal);
  };
  const take = (): void => {
    if (stdin.isRaw || !isInForeground()) return;
    stdin.setRawMode(true);
    stdin.on('data', onData).resume();
  };
  const restore = (): void => {
    if (!stdin.isRaw) return;
    stdin.setRawMode(false);
    stdin.off('data', onData).pause();
  };
  // A shell lets a program go on in its background, and later in its foreground.
  process.on('SIGCONT', take);
  process.on('exit', restore);
  // The terminal may be gone.
  stdin.on('error', () => {});
  take();
  return () => {
    restore();
    process.off('SIGCONT', take);
    process.off('exit', restore);
  };
}
