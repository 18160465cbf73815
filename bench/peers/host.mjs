// @ts-check
// The host program of every peer: measures them in one process, in turns, and hands the figures to run.mjs, which
// started it. It ends its workers when run.mjs says so, or is gone.
import { readFileSync, rmSync } from 'node:fs';
import { createProgressBar } from '../../dist/cli/terminal/progress-bar.js';
import { comparisonOf, takeInTurns } from '../lib/measure.mjs';
import { PEERS, REFERENCE } from './peers.mjs';
import { QUESTIONS, settle, timeOfCalls } from './questions.mjs';
import { Skip } from './skip.mjs';
import { within } from './within.mjs';

/** @import { Comparison } from '../lib/measure.mjs' */
/** @import { HostSide, Worker } from './peers.mjs' */
/** @import { Question } from './questions.mjs' */

/**
 * @typedef {{ name: string, is: string, sends: string, version: string, skipped?: string }} PeerReport
 * @typedef {{ peer: string, question: string, unit: string } & (Comparison | { failed: string })} Cell
 * @typedef {{ peers: PeerReport[], cells: Cell[], aa: Record<string, number> }} Report
 * @typedef {{ peers: string[], folder: string, repetitions: number, warmup: number }} Task
 */

/** What a peer may take to end; run.mjs kills what is left, in milliseconds. */
const STOP_MS = 5_000;

/** One peer, measured. The reference is there a second time, as the control. */
class Lane {
  /** @type {Worker | undefined} */
  worker;
  /** Why it is not measured any more, for the question at hand. @type {string | undefined} */
  failed;

  /** @param {string} name @param {HostSide} host */
  constructor(name, host) {
    this.name = name;
    this.host = host;
  }
}

/** @type {Task} */
const task = JSON.parse(process.argv[2] ?? '');
const stopping = new AbortController();
const stop = () => stopping.abort(new Error('The run was stopped.'));
for (const event of ['message', 'disconnect', 'SIGINT', 'SIGTERM', 'SIGHUP']) process.on(event, stop);
// A peer that fails beside its calls costs its own figures only: they do not come, which is told.
process.on('unhandledRejection', (error) => {
  if (!stopping.signal.aborted) note(`a peer failed: ${String(error)}`);
});

const bar = createProgressBar(process.stderr);
/** @type {HostSide[]} */
const opened = [];
/** @type {Report | undefined} */
let report;
try {
  report = await measureAll();
} catch (error) {
  if (!stopping.signal.aborted) console.error(error);
} finally {
  bar.end();
  await Promise.allSettled(opened.map((host) => within(STOP_MS, async () => host.close?.())));
  rmSync(task.folder, { recursive: true, force: true });
}
const status = report === undefined ? 1 : 0;
if (report !== undefined && process.connected) process.send?.(report, () => process.exit(status));
else process.exit(status);

/** @returns {Promise<Report>} */
async function measureAll() {
  const names = [...new Set([REFERENCE, ...task.peers])];
  /** @type {PeerReport[]} */
  const peers = [];
  const lanes = [];
  for (const name of names) {
    const peer = PEERS[name];
    if (peer === undefined) continue;
    const { is, sends } = peer;
    const about = { name, is, sends, version: versionOf(peer.package) };
    try {
      const host = await limited(() => peer.open(task.folder));
      opened.push(host);
      lanes.push(new Lane(name, host));
      if (name === REFERENCE) lanes.push(new Lane(`${name}, again`, host));
      peers.push(about);
      note(`${name}: ${is}${about.version === '' ? '' : `, ${about.version}`}`);
    } catch (error) {
      stopping.signal.throwIfAborted();
      const skipped = error instanceof Skip ? error.message : `cannot be opened: ${String(error)}`;
      peers.push({ ...about, skipped });
      note(`${name}: skipped, ${skipped}`);
    }
  }
  /** @type {Cell[]} */
  const cells = [];
  /** @type {Report['aa']} */
  const aa = {};
  for (const [number, question] of QUESTIONS.entries()) {
    const { name, unit } = question;
    note(`[${number + 1}/${QUESTIONS.length}] ${name}`);
    const values = await ask(question, lanes);
    const [reference = [], control = []] = values;
    for (const [index, lane] of lanes.entries()) {
      if (index === 1) continue;
      const comparison = comparisonOf(reference, control, values[index] ?? []);
      aa[name] = comparison.aa;
      cells.push({
        peer: lane.name,
        question: name,
        unit,
        ...(lane.failed === undefined ? comparison : { failed: lane.failed }),
      });
    }
  }
  return { peers, cells, aa };
}

/** The figures of every lane, a round after the other. @param {Question} question @param {Lane[]} lanes */
async function ask(question, lanes) {
  const repetitions = Math.min(question.rounds ?? task.repetitions, task.repetitions);
  const steps = lanes.length * (repetitions + task.warmup);
  let done = 0;
  const { calls } = question;
  for (const lane of lanes) {
    lane.failed = undefined;
    if (calls === undefined) continue;
    bar.update(0, `${question.name}: starting ${lane.name}`);
    await attempt(lane, async () => {
      lane.worker = await lane.host.start({ atOnce: calls.atOnce });
      await settle(calls, lane.worker);
    });
  }
  try {
    return await takeInTurns(
      lanes.map((lane) => async () => {
        done += 1;
        bar.update(done / steps, `${question.name}: ${lane.name}`);
        return attempt(lane, async () =>
          lane.worker !== undefined && calls !== undefined
            ? timeOfCalls(calls, lane.worker, question.unit)
            : question.ofStart?.(lane.host),
        );
      }),
      { repetitions, warmup: task.warmup },
    );
  } finally {
    await Promise.allSettled(lanes.map((lane) => within(STOP_MS, async () => lane.worker?.stop())));
    for (const lane of lanes) lane.worker = undefined;
  }
}

/** NaN where the lane has failed, now or before. @param {Lane} lane @param {() => Promise<number | undefined | void>} action */
async function attempt(lane, action) {
  if (lane.failed !== undefined) return Number.NaN;
  try {
    return (await limited(action)) ?? Number.NaN;
  } catch (error) {
    stopping.signal.throwIfAborted();
    lane.failed = error instanceof Error ? error.message : String(error);
    note(`${lane.name}: ${lane.failed}`);
    return Number.NaN;
  }
}

/** @template T @param {() => Promise<T>} action @returns {Promise<T>} */
function limited(action) {
  return within(60_000, action, stopping.signal);
}

/** @param {string | null} name of a package */
function versionOf(name) {
  if (name === null) return '';
  const file = new URL(`node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')).version;
}

/** @param {string} line */
function note(line) {
  bar.end();
  process.stderr.write(`${line}\n`);
}
