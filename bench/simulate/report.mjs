// @ts-check
import { formatTable } from '../../dist/cli/terminal/table.js';

/** @import { Outcome } from './replay.mjs' */

/** @typedef {{ trace: string, policy: string, order: string, capacityMb: number, plugins: number, calls: number } & Outcome} Result */

/**
 * One replay, in full.
 *
 * @param {Result} result
 * @returns {string[]}
 */
export function reportLines(result) {
  const { trace, policy, order, capacityMb, plugins, calls, peakMb, loads, evictions, served, waitMs } = result;
  return formatTable([
    ['trace', `${trace}: ${whole(calls)} calls of ${whole(plugins)} plugins in ${duration(result.simulatedMs)}`],
    ['policy', policy === 'permissive' ? policy : `${policy}, ${order}`],
    ['memory', `${whole(capacityMb)} MiB; at most ${whole(peakMb)} MiB used`],
    ['loads', whole(loads)],
    ['load time', seconds(result.loadMs)],
    ['  at best, in hindsight', bound(result)],
    ['evictions', whole(evictions)],
    ['served', whole(served)],
    ['  waiting, p50', seconds(waitMs.p50)],
    ['  waiting, p99', seconds(waitMs.p99)],
    ['refused', refusals(result)],
  ]);
}

/**
 * Several replays, as a table in Markdown; the load time beside that of the first replay of the same trace.
 *
 * @param {readonly Result[]} results
 * @returns {string[]}
 */
export function tableLines(results) {
  const head = [
    'trace',
    'order',
    'loads',
    'load time',
    'of LRU',
    'at best',
    'evictions',
    'waiting p50',
    'waiting p99',
    'refused',
  ];
  const rows = results.map((result) => {
    const first = results.find(({ trace }) => trace === result.trace) ?? result;
    const { trace, order, loads, loadMs, evictions, waitMs } = result;
    return [
      trace,
      order,
      whole(loads),
      seconds(loadMs),
      first.loadMs === 0 ? '–' : `${Math.round((100 * loadMs) / first.loadMs)} %`,
      bound(result),
      whole(evictions),
      seconds(waitMs.p50),
      seconds(waitMs.p99),
      refusals(result),
    ];
  });
  const rule = head.map((_, column) => (column < 2 ? '---' : '--:'));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

/** @param {Result} result */
function bound({ hindsightMs }) {
  return hindsightMs === null ? 'too many calls to say' : seconds(hindsightMs);
}

/** @param {Result} result */
function refusals({ refused }) {
  const reasons = Object.entries(refused).map(([reason, count]) => `${whole(count)} ${reason}`);
  return reasons.length === 0 ? '0' : reasons.join(', ');
}

/** @param {number} value */
function whole(value) {
  return value.toLocaleString('en');
}

/** @param {number} ms */
function seconds(ms) {
  const value = ms / 1_000;
  return `${value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 1 : 0 })} s`;
}

/** @param {number} ms */
function duration(ms) {
  return ms < 3_600_000 ? `${(ms / 60_000).toFixed(1)} min` : `${(ms / 3_600_000).toFixed(1)} h`;
}
