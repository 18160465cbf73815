import type { PluginPhase, PluginState } from '../machines/plugin/phases.ts';
import type { InstanceSnapshot } from './instance-snapshot.ts';

/** The state of one plugin at one moment, as plain frozen data. Times are milliseconds since the epoch. */
export interface PluginSnapshot {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly category: string;
  readonly manifestPath: string;
  readonly state: PluginState;
  /** What goes on inside the state. */
  readonly phase: PluginPhase;
  /** When the phase was entered. */
  readonly since: number;
  /** Whether it has a worker that was ready, or is on the way back to one. */
  readonly loaded: boolean;
  /** Whether another worker is being put in the place of the one that serves. */
  readonly replacing: boolean;
  readonly enabled: boolean;
  /** The process of its worker, if it has one; of several, that of the one that has served longest. */
  readonly pid: number | undefined;
  /** Each of its workers whose processes are not gone yet, oldest first. */
  readonly instances: readonly InstanceSnapshot[];
  /** Counts the workers it has had. */
  readonly generation: number;
  /** How often a crashed worker was started again. */
  readonly restarts: number;
  /** Calls at the worker. */
  readonly inFlight: number;
  /** Calls that wait. */
  readonly waiting: number;
  /** When its last call began or ended; undefined before the first. */
  readonly lastUsedAt: number | undefined;
  readonly lastError: { readonly code: string; readonly message: string } | undefined;
  /** When that was; undefined where there was none. */
  readonly lastErrorAt: number | undefined;
}
