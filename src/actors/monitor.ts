import { fromCallback } from 'xstate';
import type { Measurement } from '../scheduler/measurement.ts';
import type { MeasureRequest } from '../scheduler/scheduler-events.ts';
import type { Clock } from '../time/clock.ts';

/** Where the monitor has its figures from. Neither method may throw or reject. */
export interface Figures {
  /** Resolves when every source has been read anew, or has failed. */
  refresh(): Promise<void>;
  /** What the sources said last. */
  measurement(): Measurement;
}

/** What the monitor is made for. */
export interface MonitorInput {
  readonly clock: Clock;
  readonly figures: Figures;
  /** Is sent the answers. */
  answer(event: { readonly type: 'MEASURED' } & Measurement): void;
}

/** How long the sources may take before the answer is what they said last: less than the scheduler waits, in milliseconds. */
const DEADLINE_MS = 400;

/** Answers each MEASURE with one MEASURED, in time whatever the sources do. Not after it is stopped. */
export const monitorLogic = fromCallback<MeasureRequest, MonitorInput>(({ input, receive }) => {
  const { clock, figures, answer } = input;
  const deadlines = new Set<unknown>();
  receive(() => {
    const finish = (): void => {
      if (!deadlines.delete(deadline)) return;
      clock.clearTimeout(deadline);
      answer({ type: 'MEASURED', ...figures.measurement() });
    };
    const deadline = clock.setTimeout(finish, DEADLINE_MS);
    deadlines.add(deadline);
    void figures.refresh().then(finish);
  });
  return () => {
    for (const deadline of deadlines) clock.clearTimeout(deadline);
    deadlines.clear();
  };
});
