import type { ContextChange } from '../wire.ts';
import type { Context } from './views.ts';

/** What has changed from one view of an actor's context to the next; undefined where nothing has. */
export function changeOf(before: Context, after: Context): ContextChange | undefined {
  if (before === after) return undefined;
  let change: Record<string, ContextChange[string]> | undefined;
  // Those of one actor have the same keys, but for one that is gone.
  for (const key in after === GONE ? before : after) {
    if (before[key] === after[key]) continue;
    change ??= {};
    change[key] = { before: before[key], after: after[key] };
  }
  return change;
}

/** What is left of the context of an actor that is gone. */
export const GONE: Context = Object.freeze({});
