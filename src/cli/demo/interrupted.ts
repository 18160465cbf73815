import { GreenroomError } from '../../errors.ts';
import type { Job } from './jobs.ts';
import type { Stage } from './stage.ts';

/** How far a call has come when it is interrupted, 0 to 1. */
const HALF_WAY = 0.45;

/** With fewer files a call may be over before anything can happen to it, so it is interrupted as it begins. */
const FEW_FILES = 1_000;

/** How often it is tried: a call over a few files may be over before what was done to it takes effect. */
const TRIES = 20;

/** Starts the long call of a job, does something to it in the middle, and resolves to the error it then ends with. */
export async function interrupted(
  stage: Stage,
  job: Job,
  interrupt: (progress: number) => void,
  signal?: AbortSignal,
): Promise<GreenroomError> {
  // The call of a worker that is still to be started is begun, and may be over, before anything is told of it.
  if (fromOf(stage) === 0) await stage.supervisor.load(job.plugin, { signal: stage.signal });
  for (let tries = 0; tries < TRIES; tries += 1) {
    const error = await interruptedOnce(stage, job, interrupt, signal);
    if (error !== undefined) return error;
  }
  throw new Error(`The call of "${job.plugin}" was over before it could be interrupted, ${TRIES} times.`);
}

/** Undefined where the call was over before. */
async function interruptedOnce(
  stage: Stage,
  job: Job,
  interrupt: (progress: number) => void,
  signal: AbortSignal | undefined,
): Promise<GreenroomError | undefined> {
  const from = fromOf(stage);
  let done = false;
  const reached = (progress: number): void => {
    // It is told a little late that a worker is busy: the call may be over by then.
    if (done || progress < from || stage.snapshot(job.plugin).inFlight === 0) return;
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
    reached(0);
    await call;
    return undefined;
  } catch (error) {
    if (done && error instanceof GreenroomError && !stage.signal.aborted) return error;
    throw error;
  } finally {
    off();
  }
}

/** How far the call is to have come. */
function fromOf(stage: Stage): number {
  return stage.corpus.files.length < FEW_FILES ? 0 : HALF_WAY;
}
