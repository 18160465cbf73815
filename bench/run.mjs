// @ts-check
// npm run bench -- [question…] [--quick] [--json]: answers the questions, each in a process of its own on one core, prints a
// table and keeps the figures in bench/results/.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import putPythonFirst from '../scripts/python-first.mjs';

/** @import { Row } from './lib/measure.mjs' */

/** Each is a file of its own. */
const QUESTIONS = readdirSync(new URL('questions/', import.meta.url))
  .map((file) => file.replace(/\.mjs$/, ''))
  .toSorted();

/** Here it matters how soon a process gets its turn beside busy ones, and no ratio is taken, or how many cores are used. */
const ON_ALL_CORES = new Set(['fleet', 'host-death', 'inspector-logs', 'inspector-page', 'instances']);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});
const unknown = positionals.filter((name) => !QUESTIONS.includes(name));
if (unknown.length > 0) {
  console.error(`There is no question ${unknown.join(', ')}. There are: ${QUESTIONS.join(', ')}.`);
  process.exit(2);
}

putPythonFirst();
const asked = positionals.length > 0 ? positionals : QUESTIONS;
const pinned = spawnSync('taskset', ['-c', '0', 'true']).status === 0;
/** @type {Row[]} */
const rows = [];
for (const [index, name] of asked.entries()) {
  process.stderr.write(`[${index + 1}/${asked.length}] ${name}\n`);
  rows.push(...(await ask(name)));
}
keep();
console.log(values.json ? JSON.stringify(rows, null, 2) : table());
process.exitCode = rows.every(({ verdict }) => verdict === 'ok') ? 0 : 1;

/** Two processes on two cores make every round trip a matter of luck, so most questions share one. @param {string} name */
async function ask(name) {
  const node = ['--expose-gc', fileURLToPath(new URL('lib/question.mjs', import.meta.url)), name];
  if (values.quick) node.push('--quick');
  const [command, ...args] =
    pinned && !ON_ALL_CORES.has(name) ? ['taskset', '-c', '0', process.execPath, ...node] : [process.execPath, ...node];
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  /** @type {Row[]} */
  let answer = [];
  child.on('message', (message) => {
    answer = /** @type {Row[]} */ (message);
  });
  const [status] = await once(child, 'exit');
  if (status === 0) return answer;
  console.error(`The question "${name}" failed with status ${status}.`);
  return [{ question: name, unit: '', figure: Number.NaN, goal: 'an answer', verdict: 'missed' }];
}

function keep() {
  const folder = new URL('results/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const at = new Date().toISOString();
  const machine = { node: process.version, platform: process.platform, cpu: cpus()[0]?.model, cores: cpus().length };
  const file = new URL(`${at.replaceAll(':', '-')}.json`, folder);
  writeFileSync(file, `${JSON.stringify({ at, machine, pinned, quick: values.quick, rows }, null, 2)}\n`);
}

function table() {
  const head = ['question', 'figure', 'reference', 'ratio', 'goal', 'A/A', 'verdict'];
  const lines = rows.map(({ question, unit, figure, reference, ratio, goal, aa, verdict }) => [
    question,
    `${number(figure)} ${unit}`,
    reference === undefined ? '–' : `${number(reference)} ${unit}`,
    ratio === undefined ? '–' : `${ratio.toFixed(2)}×`,
    goal,
    aa === undefined ? '–' : aa.toFixed(2),
    verdict,
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)));
  const rule = widths.map((width) => '-'.repeat(width));
  return [head, rule, ...lines]
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** @param {number} value */
function number(value) {
  if (value >= 1_000) return Math.round(value).toLocaleString('en');
  return value.toPrecision(3);
}
