// @ts-check
// npm run bench:peers: compares a call of a process or thread with what people use instead of Greenroom. See --help.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { didYouMean } from '../../dist/cli/arguments.js';
import { UsageError } from '../../dist/cli/usage-error.js';
import putPythonFirst from '../../scripts/python-first.mjs';
import { PEERS, REFERENCE } from './peers.mjs';

/** @import { Report, Task } from './host.mjs' */

const NAMES = Object.keys(PEERS);

const HELP = `Compares one call of a process or thread with what people use instead of Greenroom, in one run.

Usage: npm run bench:peers -- [OPTIONS]

  --only NAME   measure this peer, beside ${REFERENCE}; may be repeated
  --quick       few rounds, for rough figures
  --json FILE   write all figures to a file, as JSON
  -h, --help    print this

Peers:
${Object.entries(PEERS)
  .map(([name, { is }]) => `  ${name.padEnd(19)} ${is}`)
  .join('\n')}

Every figure is told beside its ratio to that of ${REFERENCE}. The last row is the ratio of ${REFERENCE} to a second
one of it; where it is more than 5 % from 1, the machine was too busy, and the column is void.

Exit status: 0 done; 1 nothing was measured; 2 the command line is not right; 130 interrupted.`;

const OPTIONS = /** @type {const} */ ({
  only: { type: 'string', multiple: true, default: [] },
  quick: { type: 'boolean', default: false },
  json: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
});

/** What the host program may take to end its workers, before all of them are killed, in milliseconds. */
const GRACE_MS = 8_000;

/** Each round takes every figure of every peer once. */
const FULL = { repetitions: 15, warmup: 2 };
const QUICK = { repetitions: 3, warmup: 1 };

const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

process.exitCode = await main(process.argv.slice(2));

/** @param {string[]} args */
async function main(args) {
  try {
    const { help, only, quick, json } = parse(args);
    if (help) {
      console.log(HELP);
      return 0;
    }
    if (json !== undefined) writeTo(json, '');
    install();
    putPythonFirst();
    const report = await measure({ peers: only.length > 0 ? only : NAMES, ...(quick ? QUICK : FULL) });
    if (typeof report === 'number') return report;
    const { tableLines } = await import('./table.mjs');
    console.log(['', ...tableLines(report), ''].join('\n'));
    if (json !== undefined) writeTo(json, `${JSON.stringify({ ...circumstances(quick), ...report }, null, 2)}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`error: ${error.message}`);
    console.error(`hint:  ${error.hint ?? 'npm run bench:peers -- --help lists the options.'}`);
    return 2;
  }
}

/** Throws {@link UsageError}. @param {string[]} args */
function parse(args) {
  const { values } = strictly(args);
  const unknown = values.only.find((name) => !NAMES.includes(name));
  if (unknown === undefined) return values;
  throw new UsageError(
    `--only: unknown peer "${unknown}"; expected one of ${NAMES.join(', ')}.`,
    didYouMean(unknown, NAMES),
  );
}

/** @param {string[]} args */
function strictly(args) {
  try {
    return parseArgs({ args, options: OPTIONS });
  } catch (error) {
    const given = /'(--[^' ]*)/.exec(String(error))?.[1] ?? '';
    const message = error instanceof Error ? error.message.replaceAll('\n', ' ') : String(error);
    const known = Object.keys(OPTIONS).map((name) => `--${name}`);
    throw new UsageError(message, didYouMean(given, known));
  }
}

/** Before the minutes of measuring it is empty, so that a file that cannot be written fails at once. @param {string} file @param {string} text */
function writeTo(file, text) {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new UsageError(`--json: ${file} cannot be written: ${String(error)}`);
  }
}

/** The peers are no part of the project's own dependencies. */
function install() {
  if (existsSync(new URL('node_modules', import.meta.url))) return;
  console.error('installing the peers: npm ci in bench/peers');
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  const cwd = fileURLToPath(new URL('.', import.meta.url));
  const { status } = spawnSync('npm', args, { cwd, stdio: ['ignore', process.stderr.fd, process.stderr.fd] });
  if (status !== 0) throw new UsageError('The peers could not be installed.', `Run: npm ci --prefix ${cwd}`);
}

/** Resolves to the figures, or to the exit status where there are none. @param {Omit<Task, 'folder'>} task @returns {Promise<Report | number>} */
async function measure(task) {
  const folder = mkdtempSync(join(tmpdir(), 'greenroom-peers-'));
  const host = [
    process.execPath,
    fileURLToPath(new URL('host.mjs', import.meta.url)),
    JSON.stringify({ ...task, folder }),
  ];
  const [command = '', ...args] = isPinned() ? ['taskset', '-c', '0', ...host] : host;
  const output = process.stderr.fd;
  // Detached, it leads a process group, in which is what the peers start.
  const child = spawn(command, args, { stdio: ['ignore', output, output, 'ipc'], detached: true });
  let isInterrupted = false;
  /** @type {Report | undefined} */
  let report;
  child.on('message', (message) => {
    report = /** @type {Report} */ (message);
  });
  const interrupt = () => {
    if (isInterrupted) return killGroup(child.pid);
    isInterrupted = true;
    child.send('stop', () => {});
    setTimeout(() => killGroup(child.pid), GRACE_MS).unref();
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  try {
    await once(child, 'exit');
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt);
    killGroup(child.pid);
    rmSync(folder, { recursive: true, force: true });
  }
  if (isInterrupted) return 130;
  if (report === undefined) console.error('error: the run ended before its last figure; its output above says why.');
  return report ?? 1;
}

/** @param {number | undefined} leader */
function killGroup(leader) {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // It has no process any more.
  }
}

/** Two processes on two cores make every round trip a matter of luck, so all share one. */
function isPinned() {
  return spawnSync('taskset', ['-c', '0', 'true']).status === 0;
}

/** @param {boolean} quick */
function circumstances(quick) {
  const machine = { platform: process.platform, cpu: cpus()[0]?.model, cores: cpus().length, load: loadavg() };
  return { at: new Date().toISOString(), node: process.version, machine, pinned: isPinned(), quick };
}
