/**
 * Greenroom: an actor-model supervisor runtime for process-isolated plugins.
 *
 * # Layout
 *
 * This file is the public interface, and the only barrel. From the top of the source down:
 *
 * - `cli/`: the command line.
 * - `inspector/`: what is recorded of a supervisor (`record/`), without secrets (`redaction/`), served to the page
 *   (`server/`), which a browser draws (`page/`).
 * - `api/`: the HTTP interface of a supervisor, and the document that describes it.
 * - `imports/`: manifests and settings made of the configurations of other programs.
 * - `mcp-config/`: configuration files of MCP clients, whether they are trusted, and manifests made of their servers.
 * - `daemon/`: what `greenroom serve` is to its machine: who owns a data directory, its socket and token, signals, systemd.
 * - `server/`: an HTTP server with a guard in front of its routes, for the inspector and the daemon.
 * - `client/`: `greenroom/client`, the supervisor of a daemon over HTTP.
 * - `models/`: the model front of `greenroom serve`: requests of OpenAI's and Anthropic's clients, by the model they name.
 * - `mcp/`: messages of JSON-RPC and the eras of MCP, and a plugin as a server of it.
 * - `mcp-front/`: the front of `greenroom serve` for clients of MCP: the tools of all plugins, or of one (`mcp-front.ts`);
 *   what one client says and is told, whatever carries it (`mcp-session.ts`).
 * - `mcp-relay/`: what `greenroom mcp` is: a client on standard streams, joined with the daemon.
 * - `metrics/`: figures of a supervisor for Prometheus. `traces/`: spans of its calls for OpenTelemetry.
 * - `fleet/`: jobs that several machines share: which node takes which (`policy/`, pure), and what the nodes tell each other
 * - `jobs/`: `greenroom/jobs`, calls that outlive their program: the port of their store (`job-store.ts`), the store in
 *   SQLite (`embedded/`), and what takes and runs them (`runner/`).
 * - `sync/`: `greenroom/sync`, blocking calls: a supervisor in a thread, for which its caller waits.
 * - `runtime/`: the supervisor that programs hold, and what puts machines, actors and calls together.
 * - `actors/`: what the machines invoke: a worker's process, its connection, its config, its liveness, its memory limit.
 * - `machines/`: the state machines of supervisor, scheduler, plugin and worker; states and transitions only.
 * - `settings/`: the settings of a supervisor and of a plugin, and a plugin's config.
 * - `scheduler/`: who gets memory and GPUs, and who is evicted for it (`decide.ts`); no clock and no I/O. `policies/`, `gpus/`.
 * - `supervision/`: whether and when a crashed worker is restarted, or one over its memory limit replaced; pure.
 * - `calls/`: a call on its way: the lease gate in front of a worker, streams.
 * - `channel/`: the wire to a worker: inputs, answers, frames; one channel for each version of the protocol,
 *   one for older workers, one for HTTP servers, one for servers of MCP. `framing/`: the frames of version 2, for both ends.
 * - `mcp/`: the Model Context Protocol: messages, the two eras, a server on standard streams as its client sees it.
 * - `proxy/`: HTTP exchanges, upgrades and fetches forwarded to a server that a plugin is.
 * - `tools/`: the tools of plugins: what is known of them, and the checks of their inputs and results.
 * - `json-schema/`: JSON Schemas of plugins: checked, compiled, their defaults, and what does not fit them, in words.
 * - `worker-kinds/`: how each kind of worker is started: program, arguments, environment.
 * - `code/`: source files of plugins: followed by their content, checked before they are run.
 * - `packages/`: packages that npx or uvx would fetch at a start: which a command names, and installing each once.
 * - `python-envs/`: environments of Python plugins: what they require, for which Python, by which installer, and making each once.
 * - `manifest/`: manifests: schema, reading, watching, what a change causes.
 * - `orphans/`: what keeps processes from outliving their supervisor: marks, control groups, the guard, the sweep.
 * - `process/`: starting a process, its output, its group, its identity.
 * - `measure/`: memory and GPUs of the machine and of process trees.
 * - `logs/`: the logs of plugins and of the supervisor.
 * - `node-sdk/`: what runs in the process of a Node plugin, and `greenroom/worker`. `python/greenroom_worker/` is the
 *   Python worker.
 * - `json/`, `text/`, `files/`, `time/`, `events/`: values, names, files, clocks and listeners, for all of the above.
 * - `errors.ts`, `error-details.ts`, `system-error.ts`, `argument-checks.ts`: errors. `protocol.ts`: the worker protocol as types.
 */

// Supervisors
export {
  createSupervisor,
  type Supervisor,
  type SupervisorOptions,
  type SupervisorSnapshot,
} from './runtime/supervisor.ts';
export type { LoadOptions, Outcome } from './runtime/load-options.ts';
export type { PluginFilter, PluginHandle } from './runtime/plugin-handle.ts';
export type { SupervisorEvents } from './runtime/supervisor-events.ts';
export type { SupervisorStatus } from './runtime/supervisor-status.ts';
export type { SupervisorSettings } from './settings/schema.ts';
export type { Capacity, InspectSettings, RestartOptions } from './settings/values.ts';
export type { Clock } from './time/clock.ts';

// Plugins
export type { PluginPhase, PluginState } from './machines/plugin/phases.ts';
export type { PluginSnapshot } from './runtime/plugin-snapshot.ts';
export type { InstanceSnapshot } from './runtime/instance-snapshot.ts';
export type { CodeEvent, EvictionEvent, InstanceEvent, TransitionEvent } from './runtime/supervisor-events.ts';

// Calls
export type { CallOptions, Progress, StreamOptions } from './calls/call-options.ts';
export type { PluginName, Plugins, ToolChunk, ToolInput, ToolName, ToolOutput } from './calls/typed-calls.ts';
export type { CallInput, CallTrace } from './calls/call-trace.ts';
export type { FetchInit } from './calls/fetch-request.ts';
export type { ForwardRequestOptions, ForwardUpgradeOptions } from './calls/forward-request.ts';
export type { ForwardOutcome } from './proxy/outcome.ts';
export { Arguments } from './channel/arguments.ts';
export type { FileBacked } from './channel/encoded-input.ts';
export type { Tool } from './protocol.ts';

// Scheduling
export type { Explanation, Growth, Holding, IdleStreams, RunningCall } from './runtime/explanation.ts';
export type { SchedulingStatus } from './runtime/scheduling-status.ts';
export type { Decision, Holder, SchedulerRefusal } from './scheduler/decision.ts';
export type { EvictionOrder, Past } from './scheduler/policies/eviction-order.ts';
export type { Need, Resources } from './scheduler/need.ts';
export type { EvictionOrderName, PolicyName } from './scheduler/policies/policies.ts';
export type { Asking, Policy, Ranked, MemoryView, Verdict, Victim } from './scheduler/policies/policy.ts';
export type { Resident, Standing } from './scheduler/resident.ts';

// Manifests
export type { CodeFault } from './code/code-fault.ts';
export type { ManifestProblem } from './manifest/manifest-problem.ts';
export type { Manifest } from './manifest/schema.ts';

// Measuring
export type { TreeStats } from './measure/process-tree.ts';
export type { InstanceStats, PluginStats } from './runtime/plugin-stats.ts';
export type { SystemStats } from './measure/system-stats.ts';

// Watching
export type { Inspector } from './inspector/inspector.ts';
export { type TracedCalls, traceCalls } from './traces/trace-calls.ts';
export type { InspectionObserver } from './inspector/record/inspection-observer.ts';
export type { Recording } from './inspector/inspector.ts';

// Errors
export type { ErrorDetails } from './error-details.ts';
export { ERROR_CODES, type ErrorCode, GreenroomError, type RemoteError, type RemoteErrorCategory } from './errors.ts';
