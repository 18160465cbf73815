// @ts-check
import { A_A_TOLERANCE } from '../lib/measure.mjs';
import { REFERENCE } from './peers.mjs';
import { QUESTIONS } from './questions.mjs';

/** @import { Report } from './host.mjs' */

/** The lines of a table in Markdown that is read on a terminal too, and what it lacks. @param {Report} report */
export function tableLines({ peers, cells, aa }) {
  const measured = peers.filter(({ skipped }) => skipped === undefined);
  const head = ['', ...QUESTIONS.map(({ name }) => name)];
  const rows = measured.map(({ name, sends }) => [
    name,
    ...QUESTIONS.map((question) => {
      const cell = cells.find((one) => one.peer === name && one.question === question.name);
      if (cell === undefined || 'failed' in cell) return 'failed';
      const text = `${ratioOf(name, cell.ratio)} (${number(cell.figure)} ${cell.unit})`;
      return question.sendsBytes && sends === 'as base64' ? `${text} b64` : text;
    }),
  ]);
  const control = [
    `A/A, ${REFERENCE}`,
    ...QUESTIONS.map(({ name }) => {
      const ratio = aa[name] ?? Number.NaN;
      return Math.abs(ratio - 1) <= A_A_TOLERANCE ? ratio.toFixed(2) : `${ratio.toFixed(2)}, void`;
    }),
  ];
  const skipped = peers.flatMap((peer) =>
    peer.skipped === undefined ? [] : [`${peer.name}: skipped, ${peer.skipped}`],
  );
  return [...aligned([head, ...rows, control]), ...skipped];
}

/** How far the reference is from itself is the row of the control. @param {string} name @param {number} ratio NaN without a reference */
function ratioOf(name, ratio) {
  if (name === REFERENCE) return '1×';
  return Number.isNaN(ratio) ? '–' : `${ratio.toFixed(2)}×`;
}

/** @param {string[][]} rows the first is the head */
function aligned(rows) {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (/** @type {string[]} */ cells) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  const [head = [], ...others] = rows;
  return [line(head), rule, ...others.map(line)];
}

/** @param {number} value */
function number(value) {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(2);
}
