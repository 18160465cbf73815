// @ts-check
// A browser on this machine, and how long the frames of its pages take.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The path of a Chromium; throws where there is none. */
export function findChromium() {
  const found = (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((path) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(path, name)))
    .find((path) => existsSync(path));
  if (found === undefined) throw new Error('No chromium or google-chrome is in the PATH.');
  return found;
}

/**
 * The times of the frames of a page for so long, in milliseconds.
 *
 * @param {import('playwright-core').Page} page @param {number} ms
 * @returns {Promise<number[]>}
 */
export function framesIn(page, ms) {
  return page.evaluate(async (duration) => {
    const frames = [];
    const end = performance.now() + duration;
    let last = performance.now();
    while (last < end) {
      const now = await new Promise((resolve) => requestAnimationFrame(resolve));
      frames.push(now - last);
      last = now;
    }
    return frames.slice(1);
  }, ms);
}
