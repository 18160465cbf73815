import type { PluginPhase, PluginState } from '../machines/plugin/phases.ts';

/** One worker of a plugin at one moment, as plain frozen data. Times are milliseconds since the epoch. */
export interface InstanceSnapshot {
  /** Which of the plugin's workers it is; counted from 1 over all that it ever had. */
  readonly generation: number;
  /** As the plugin's states, of this worker alone. One that is on its way out is `busy` or `discovered`. */
  readonly state: PluginState;
  readonly phase: PluginPhase;
  /** When the state was entered. */
  readonly since: number;
  /** Its process, once there is one. */
  readonly pid: number | undefined;
  /** Calls at it. */
  readonly inFlight: number;
}
