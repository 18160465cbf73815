// @ts-check
// What the questions about streams share.
import { timed } from './measure.mjs';

/** How many chunks a stream has. */
export const CHUNKS = 10_000;

/** How many chunks a second come. @param {AsyncIterable<unknown>} chunks */
export async function rateOf(chunks) {
  let count = 0;
  const time = await timed(async () => {
    for await (const _ of chunks) count += 1;
  });
  if (count !== CHUNKS) throw new Error(`${count} chunks came of ${CHUNKS}.`);
  return CHUNKS / (time / 1_000);
}
