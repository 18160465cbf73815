// @ts-check
// How a run of the chaos of MCP servers ends: with figures, and with all that did not hold.
import { percentile } from '../../bench/lib/measure.mjs';

/** @import { McpWorld } from './mcp-world.mjs' */

/**
 * @typedef {object} Run
 * @property {string[]} wrong What did not hold.
 * @property {(count: number) => Promise<void>} run
 * @property {() => Record<string, unknown>} figures
 */

/**
 * Lets a run happen so many times in its world, ends the world, and says what was measured and what did not hold.
 *
 * @param {McpWorld} world @param {Run} run @param {number} count @param {string} what the run is called
 * @returns {Promise<{ figures: Record<string, unknown>, wrong: string[] }>}
 */
export async function runIn(world, run, count, what) {
  try {
    await run.run(count);
  } catch (error) {
    run.wrong.push(`${what} ended early: ${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    run.wrong.push(...(await world.end()).map((left) => `Left at the end: ${left}`));
  }
  return { figures: run.figures(), wrong: run.wrong };
}

/** Milliseconds. @param {readonly number[]} times */
export function timesOf(times) {
  const at = (/** @type {number} */ share) => Number(percentile(times, share).toFixed(1));
  return { count: times.length, p50: at(0.5), p95: at(0.95), max: at(1) };
}
