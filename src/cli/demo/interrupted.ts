import { GreenroomError } from '../../errors.ts';
import type { Job } from './jobs.ts';
import type { Stage } from './stage.ts';

/** How far a call has come when it is interrupted, 0 to 1. */
const HALF_WAY = 0.45;

/** With fewer files a call may be over before anything can happen to it, so it is interrupted as it begins. */
const FEW_FILES = 1_000;

/** Starts the long call of a job, does something to it in the middle, and resolves to the error it then ends with. */
export async function interrupted(
  stage: Stage,
  job: Job,
  interrupt: (progress: number) => void,
  signal?: AbortSignal,
): Promise<GreenroomError> {
  const from = stage.corpus.files.length < FEW_FILES ? 0 : HALF_WAY;
  let done = false;
  const reached = (progress: number): void => {
    if (done || progress < from) return;
    done = true;
    interrupt(progress);
  };
  // Where the worker is still to be started, busy comes before it can have answered.
  const off = stage.supervisor.on('transition', ({ plugin, to }) => {
    if (plugin === job.plugin && to === 'busy') reached(0);
  });
  try {
    const call = stage.call(job.plugin, job.all, { signal, onProgress: reached });
    // Where it is ready, the call is at it already.
    if (stage.supervisor.plugin(job.plugin).snapshot().inFlight > 0) reached(0);
    await call;
  } catch (error) {
    if (done && error instanceof GreenroomError && !stage.signal.aborted) return error;
    throw error;
  } finally {
    off();
  }
  throw new Error(`The call of "${job.plugin}" was over before it could be interrupted.`);
}
