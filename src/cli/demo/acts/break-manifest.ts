import { GreenroomError } from '../../../errors.ts';
import type { Stage } from '../stage.ts';
import { countOf } from '../words.ts';
import { HELLO } from '../workshop.ts';

/** A plugin is given up so soon that it can be watched. */
const RESTARTS = 4;
const BACKOFF = { base_ms: 50, factor: 2, cap_ms: 400 };

const MISSPELT = { NODE_OPTIONS: '--max-old-spice-size=512' };
const FIXED = { NODE_OPTIONS: '--max-old-space-size=512' };

/** A worker cannot start any more because of its manifest: it is tried again, given up, and back once that is fixed. */
export async function breakManifest(stage: Stage): Promise<void> {
  if (stage.missing.has(HELLO)) return;
  stage.act(
    'A manifest is broken, and fixed',
    'With the misspelt option no new worker can start, so the old one goes on. When it is gone, restarts are tried after longer and longer waits, up to a limit; then calls are refused with the cause.',
  );
  await keepOldWorker(stage);
  await crashUntilGivenUp(stage);
  await showRefusal(stage);
  await fix(stage);
}

async function keepOldWorker(stage: Stage): Promise<void> {
  const startedAt = stage.now();
  stage.edit(HELLO, { env_vars: MISSPELT, restart: { intensity: RESTARTS, backoff: BACKOFF } });
  await stage.until(HELLO, ({ lastError }) => lastError?.code === 'E_START');
  const { pid, lastError } = stage.snapshot(HELLO);
  if (lastError !== undefined) stage.emit({ type: 'error', plugin: HELLO, ...lastError });
  const text = await greeting(stage);
  stage.result(HELLO, 'keep', stage.now() - startedAt, `the old worker goes on: ${text}`, { text, pid });
}

/** Kills the worker that still runs; every one that is tried after it ends before it is ready. */
async function crashUntilGivenUp(stage: Stage): Promise<void> {
  await stage.until(HELLO, ({ state }) => state === 'ready');
  const { pid } = stage.snapshot(HELLO);
  if (pid === undefined) throw new Error(`"${HELLO}" has no worker to kill.`);
  let attempt = 0;
  let waitingSince = 0;
  const off = stage.supervisor.on('transition', ({ plugin, from, to, phase }) => {
    if (plugin !== HELLO) return;
    if (phase === 'backoff') waitingSince = stage.now();
    if (from !== 'crashed' || to !== 'spawning') return;
    const longestMs = Math.min(BACKOFF.cap_ms, BACKOFF.base_ms * BACKOFF.factor ** attempt);
    attempt += 1;
    stage.emit({ type: 'restart', plugin, attempt, waitedMs: stage.now() - waitingSince, longestMs });
  });
  const killedAt = stage.now();
  try {
    stage.emit({ type: 'killed', plugin: HELLO, pid, progress: undefined });
    process.kill(pid, 'SIGKILL');
    await stage.until(HELLO, ({ phase }) => phase === 'failed');
  } finally {
    off();
  }
  stage.timing('kill, to given up', stage.now() - killedAt, `after ${countOf(attempt, 'restart')}`);
}

async function showRefusal(stage: Stage): Promise<void> {
  const error = await greeting(stage).then(
    () => new Error(`"${HELLO}" was given up, and was called nevertheless.`),
    (refusal: unknown) => refusal,
  );
  if (!(error instanceof GreenroomError) || stage.signal.aborted) throw error;
  stage.emit({ type: 'error', plugin: HELLO, code: error.code, message: error.message });
  if (error.cause instanceof Error) stage.note(`Its cause: ${error.cause.message}`);
}

async function fix(stage: Stage): Promise<void> {
  const startedAt = stage.now();
  stage.edit(HELLO, { env_vars: FIXED });
  await stage.until(HELLO, ({ state }) => state !== 'crashed');
  const text = await greeting(stage);
  const ms = stage.now() - startedAt;
  stage.result(HELLO, 'fix', ms, `fixed, and the next call starts it: ${text}`, { text });
  stage.timing('edit that fixes it, to an answer', ms, 'with the start of a worker');
}

async function greeting(stage: Stage): Promise<string> {
  const { text } = await stage.call<{ text: string }>(HELLO, { name: 'Ada' });
  return text;
}
