import type { Context } from './views.ts';
import type { ContextChange } from './wire.ts';

/** What has changed from one view of an actor's context to the next; undefined where nothing has. */
export function changeOf(before: Context, after: Context): ContextChange | undefined {
  let change: Record<string, ContextChange[string]> | undefined;
  const note = (key: string): void => {
    change ??= {};
    change[key] = { before: before[key], after: after[key] };
  };
  for (const key in after) if (before[key] !== after[key]) note(key);
  // Those of one actor have the same keys, but for one that is gone.
  if (after === GONE) for (const key in before) if (before[key] !== undefined) note(key);
  return change;
}

/** What is left of the context of an actor that is gone. */
export const GONE: Context = Object.freeze({});
