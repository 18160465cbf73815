import { type Job, jobsOf } from '../jobs.ts';
import type { Stage } from '../stage.ts';
import { countOf } from '../words.ts';

/** How many calls are under way all the time while a worker is replaced. */
const CALLERS = 2;

/** Calls that each of them still makes of the new worker. */
const CALLS_AFTER = 20;

/** A manifest is edited on disk: once so that nothing needs to happen, once so that a new worker is needed. */
export async function editManifests(stage: Stage): Promise<void> {
  const [job] = jobsOf(stage);
  if (job === undefined) return;
  stage.act(
    'A manifest is edited',
    'Changes on disk take effect by themselves, with the least that is needed: a new description restarts nothing; a new environment needs another worker, which takes over without a gap.',
  );
  await editDescription(stage, job);
  await editEnvironment(stage, job);
}

async function editDescription(stage: Stage, { plugin }: Job): Promise<void> {
  const { pid, description } = stage.snapshot(plugin);
  const wanted = `${description} (edited)`;
  const editedAt = stage.now();
  stage.edit(plugin, { description: wanted });
  await stage.until(plugin, (snapshot) => snapshot.description === wanted);
  const ms = stage.now() - editedAt;
  const now = stage.snapshot(plugin).pid;
  const worker = now === pid ? `the same worker, pid ${pid}` : `a new worker, pid ${now}`;
  stage.result(plugin, 'describe', ms, `the new description counts; ${worker}`, { before: pid, pid: now });
  stage.timing('edit, to the new description', ms, 'nothing restarted');
}

/** What became of calls that were made one after another. */
interface Tally {
  answered: number;
  failed: number;
  longestMs: number;
  over: boolean;
}

async function editEnvironment(stage: Stage, job: Job): Promise<void> {
  const { plugin } = job;
  const { pid } = stage.snapshot(plugin);
  const tally: Tally = { answered: 0, failed: 0, longestMs: 0, over: false };
  const callers = Array.from({ length: CALLERS }, () => keepCalling(stage, job, tally));
  const editedAt = stage.now();
  stage.edit(plugin, { env_vars: { LIBRARY_EDITION: 'second' } });
  try {
    await stage.until(plugin, (snapshot) => snapshot.pid !== undefined && snapshot.pid !== pid);
    const ms = stage.now() - editedAt;
    stage.timing('edit, to the new worker', ms, `${countOf(tally.answered, 'call')} meanwhile, ${tally.failed} failed`);
  } finally {
    tally.over = true;
    await Promise.all(callers);
  }
  const { answered, failed, longestMs } = tally;
  stage.timing('the longest of these calls', longestMs);
  const text = `${countOf(answered, 'call')} went on meanwhile, ${failed} failed; the longest took ${longestMs.toFixed(1)} ms`;
  stage.result(plugin, 'replace', stage.now() - editedAt, text, {
    ...tally,
    before: pid,
    pid: stage.snapshot(plugin).pid,
  });
}

async function keepCalling(stage: Stage, { plugin, some }: Job, tally: Tally): Promise<void> {
  let left = CALLS_AFTER;
  while ((!tally.over || left-- > 0) && !stage.signal.aborted) {
    const startedAt = stage.now();
    try {
      await stage.supervisor.execute(plugin, some, { signal: stage.signal });
      tally.answered += 1;
      tally.longestMs = Math.max(tally.longestMs, stage.now() - startedAt);
    } catch {
      tally.failed += 1;
    }
  }
}
