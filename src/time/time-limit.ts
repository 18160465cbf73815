import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { type Context, createContext, Script } from 'node:vm';

/** Made when first needed. */
let runner: { readonly context: Context; readonly script: Script } | undefined;

/**
 * Runs a function that must not wait, and ends it where it takes longer than that, even inside a regular expression.
 * Returns what it returns and throws what it throws, {@link isOverTime an error of its own}, or `EMFILE` or `ENFILE` where
 * there are too few file descriptors for it. It takes some 70 µs.
 */
export function withinTime<T>(ms: number, fn: () => T): T {
  runner ??= { context: createContext({}), script: new Script('fn()') };
  const { context, script } = runner;
  requireDescriptors();
  context['fn'] = fn;
  try {
    return script.runInContext(context, { timeout: ms }) as T;
  } finally {
    context['fn'] = undefined;
  }
}

/** How many descriptors Node's watch over the time takes, with some to spare: an event loop, its events and signals. */
const DESCRIPTORS = 8;

/** Throws where there are not as many left: Node would abort the program, as its watch cannot say that it failed. */
function requireDescriptors(): void {
  if (process.platform === 'win32') return;
  const taken: number[] = [];
  try {
    while (taken.length < DESCRIPTORS) taken.push(openSync(devNull, 'r'));
  } finally {
    for (const descriptor of taken) closeSync(descriptor);
  }
}

/** Whether an error is that of a function that took longer than it may. */
export function isOverTime(error: unknown): boolean {
  // No `instanceof`: it is an error of the other realm.
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}
