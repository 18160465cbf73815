import { interrupted } from '../interrupted.ts';
import { jobsOf } from '../jobs.ts';
import type { Stage } from '../stage.ts';

/** A call that keeps a processor busy is cancelled. */
export async function cancelCall(stage: Stage): Promise<void> {
  const job = jobsOf(stage).at(-1);
  if (job === undefined) return;
  const { plugin } = job;
  stage.act(
    'A call is cancelled',
    'The caller is free at once. The plugin is told through a second socket, even while its code keeps a processor busy, and the worker stays.',
  );
  let before: number | undefined;
  const cancel = new AbortController();
  let cancelledAt = 0;
  const error = await interrupted(
    stage,
    job,
    (progress) => {
      stage.emit({ type: 'cancelled', plugin, progress });
      before = stage.snapshot(plugin).instances.find(({ inFlight }) => inFlight > 0)?.pid;
      cancelledAt = stage.now();
      cancel.abort();
    },
    cancel.signal,
  );
  stage.emit({ type: 'error', plugin, code: error.code, message: error.message });
  stage.timing('cancel, to the typed error', stage.now() - cancelledAt);
  await stage.until(plugin, ({ state, inFlight }) => state === 'ready' && inFlight === 0);
  const ms = stage.now() - cancelledAt;
  stage.timing('cancel, to a free worker', ms);
  const { instances, pid: other } = stage.snapshot(plugin);
  // Of several workers, one that is not needed any more may have ended with its call.
  const pid = instances.some((instance) => instance.pid === before) ? before : other;
  const worker = pid === before ? `the same worker, pid ${pid}` : `a new worker, pid ${pid}`;
  stage.result(plugin, 'cancel', ms, `free for the next call: ${worker}`, { before, pid });
}
