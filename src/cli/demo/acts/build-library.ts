import { interrupted } from '../interrupted.ts';
import { doJob, type Job, jobsOf } from '../jobs.ts';
import type { Stage } from '../stage.ts';
import { probeMedia } from './probe-media.ts';

/** Plugins work beside each other, and one is killed at it. Resolves to the results by plugin. */
export async function buildLibrary(stage: Stage): Promise<Map<string, unknown>> {
  const results = new Map<string, unknown>();
  const [victim] = jobsOf(stage);
  if (victim === undefined) return results;
  stage.act(
    'A busy worker is killed',
    'Workers are processes: they use all processors, and one that dies takes nothing with it. Its call fails with a typed error, and it comes back.',
    victim.plugin,
  );
  const beside = probeMedia(stage);
  // Of two failures the first is told.
  beside.catch(() => {});
  results.set(victim.plugin, await killAndCallAgain(stage, victim));
  await beside;
  return results;
}

async function killAndCallAgain(stage: Stage, job: Job): Promise<unknown> {
  const { plugin } = job;
  let killedAt = 0;
  const error = await interrupted(stage, job, (progress) => {
    const { pid } = stage.snapshot(plugin);
    if (pid === undefined) return;
    stage.emit({ type: 'killed', plugin, pid, progress });
    killedAt = stage.now();
    process.kill(pid, 'SIGKILL');
  });
  stage.emit({ type: 'error', plugin, code: error.code, message: error.message });
  stage.timing('kill, to the typed error', stage.now() - killedAt);
  let backAt: number | undefined;
  const off = stage.supervisor.on('transition', (transition) => {
    if (transition.plugin === plugin && transition.to === 'ready') backAt ??= stage.now();
  });
  try {
    stage.note('The same call again, at once: it waits for the new worker.');
    return await doJob(stage, job);
  } finally {
    off();
    if (backAt !== undefined)
      stage.timing('kill, to a new worker', backAt - killedAt, 'with the wait before a restart');
  }
}
