import type { Stage } from './stage.ts';
import { countOf } from './words.ts';
import { DUPLICATES } from './workshop.ts';

/** Groups of files that are alike, as `near-duplicates` gives them. */
export interface Duplicates {
  readonly groups: readonly { readonly files: readonly { readonly path: string; readonly similarity: number }[] }[];
  readonly compared: number;
  readonly skipped: number;
}

/** Of the demo's own documents, that makes dozens of calls that each take a good part of a second. */
const FILES_IN_PART = 200;

/** The share of the work that is done in parts, as measured. */
const SIGNING_SHARE = 0.8;

/**
 * Finds the documents that are nearly the same: their signatures by calls for parts of them, all at once, for which the
 * plugin gets as many instances as it may have, and then the groups by one call. The result is that of one call for all.
 */
export async function findDuplicates(stage: Stage): Promise<Duplicates> {
  const { files } = stage.corpus;
  const startedAt = stage.now();
  const parts: (readonly string[])[] = [];
  for (let from = 0; from < files.length; from += FILES_IN_PART) parts.push(files.slice(from, from + FILES_IN_PART));
  let done = 0;
  let atOnce = 1;
  const signed = await Promise.all(
    parts.map(async (part) => {
      const { signal } = stage;
      const bytes = await stage.supervisor.execute<Uint8Array>(DUPLICATES, { files: part }, { tool: 'sign', signal });
      done += part.length;
      atOnce = Math.max(atOnce, stage.snapshot(DUPLICATES).instances.filter(({ inFlight }) => inFlight > 0).length);
      const progress = (SIGNING_SHARE * done) / files.length;
      stage.emit({ type: 'progress', plugin: DUPLICATES, progress, message: part.at(-1) ?? '' });
      return bytes;
    }),
  );
  const note = `${countOf(parts.length, 'call')}, at ${countOf(atOnce, 'instance')} at once`;
  stage.timing(`signatures of ${countOf(files.length, 'file')}`, stage.now() - startedAt, note);
  return stage.call(DUPLICATES, { files, signatures: Buffer.concat(signed) }, { from: SIGNING_SHARE });
}
