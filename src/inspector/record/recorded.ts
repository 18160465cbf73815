import type { ManifestProblem } from '../../manifest/manifest-problem.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { SupervisorStatus } from '../../runtime/supervisor-status.ts';

/** What the recorder needs of the runtime. */
export interface Recorded
  extends Pick<Runtime, 'records' | 'transitions' | 'instances' | 'problems' | 'code' | 'clock' | 'root'> {
  /** Tells how much of each GPU's memory is used. */
  readonly systemMonitor: Pick<Runtime['systemMonitor'], 'findGpus' | 'gpus'>;
  readonly supervisor: { status(): SupervisorStatus; problems(): readonly ManifestProblem[] };
  /** A plugin that waits for longer than half of this waits long, in milliseconds. */
  readonly maxWaitMs: number;
  /** Told what went wrong in the recorder, which changes nothing else. */
  onError(error: unknown): void;
}
