/** Greenroom: an actor-model supervisor runtime for process-isolated plugins. */

// Supervisors
export {
  createSupervisor,
  type LoadOptions,
  type Outcome,
  type PluginFilter,
  type PluginHandle,
  type Supervisor,
  type SupervisorEvents,
  type SupervisorOptions,
  type SupervisorSnapshot,
} from './supervisor.ts';
export type { SupervisorStatus } from './supervisor-status.ts';
export type { Capacity, InspectSettings, RestartOptions, SupervisorSettings } from './config.ts';
export type { Clock } from './clock.ts';

// Plugins
export type { PluginPhase, PluginState } from './machines/plugin.ts';
export type { PluginSnapshot } from './plugin-record.ts';
export type { TransitionEvent } from './runtime.ts';

// Calls
export type { CallOptions, Progress, StreamOptions } from './calls/call.ts';
export type { FileBacked } from './calls/input.ts';

// Scheduling
export type { Explanation, Holding, IdleStreams } from './explanation.ts';
export type { SchedulingStatus } from './scheduling.ts';
export type { Decision, Holder, SchedulerRefusal } from './scheduler/decision.ts';
export type { EvictionOrder, Past } from './scheduler/eviction-order.ts';
export type { Need, Resources } from './scheduler/need.ts';
export type { EvictionOrderName, PolicyName } from './scheduler/policies.ts';
export type { Asking, Policy, Ranked, Room, Verdict, Victim } from './scheduler/policy.ts';
export type { Resident, Standing } from './scheduler/resident.ts';

// Manifests
export type { ManifestProblem } from './manifest/read.ts';
export type { Manifest } from './manifest/schema.ts';

// Measuring
export type { TreeStats } from './actors/process-tree.ts';
export type { SystemStats } from './system-monitor.ts';

// Watching
export type { Inspector } from './inspector/index.ts';
export type { InspectionObserver } from './inspector/observation.ts';
export type { Recording } from './inspector/recording.ts';

// Errors
export { ERROR_CODES, type ErrorCode, GreenroomError, type RemoteError, type RemoteErrorCategory } from './errors.ts';
