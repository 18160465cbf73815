import type { Runtime } from '../../runtime/runtime.ts';
import type { SupervisorStatus } from '../../runtime/supervisor-status.ts';

/** What the recorder needs of the runtime. */
export interface Recorded
  extends Pick<Runtime, 'records' | 'transitions' | 'instances' | 'problems' | 'code' | 'clock' | 'root'> {
  readonly supervisor: { status(): SupervisorStatus };
  /** Told what went wrong in the recorder, which changes nothing else. */
  onError(error: unknown): void;
}
