import type { CodeNews } from '../code/code-news.ts';
import type { PluginPhase, PluginState } from '../machines/plugin/phases.ts';
import type { ManifestProblem } from '../manifest/manifest-problem.ts';
import type { Decision } from '../scheduler/decision.ts';

/** A plugin went from one state, or phase of a state, to another. */
export interface TransitionEvent {
  readonly plugin: string;
  readonly from: PluginState;
  readonly to: PluginState;
  /** The phase inside the new state. */
  readonly phase: PluginPhase;
  /** The machine's event that led there. */
  readonly event: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Why, where there is more to say than the event's name. */
  readonly reason: string | undefined;
}

/** One worker of a plugin that may have several went from one state, or phase of a state, to another. */
export interface InstanceEvent {
  readonly plugin: string;
  /** Which of the plugin's workers. */
  readonly generation: number;
  /** `discovered` where it is new. */
  readonly from: PluginState;
  /** `discovered`: it ends (`stopping`), or nothing of it is left (`idle`). */
  readonly to: PluginState;
  readonly phase: PluginPhase;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Why it was lost. */
  readonly reason: string | undefined;
}

/** A plugin that a decision chose to evict has left the memory to another, or stays. */
export interface EvictionEvent {
  readonly plugin: string;
  readonly generation: number;
  /** The plugin that it was to leave for; `undefined` if that one has not waited for it to the end. */
  readonly requester: string | undefined;
  /** `stayed`: a call had reached it first, or its calls did not end in time. */
  readonly outcome: 'left' | 'stayed';
  /** That of the decision, as in {@link Decision}; `undefined` where another has taken its place meanwhile. */
  readonly reason: string | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** The code of a plugin has changed, or what has come of that. Told where the setting `watchCode` is on. */
export type CodeEvent = CodeNews & {
  readonly plugin: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
};

/** What `on` tells of. */
export interface SupervisorEvents {
  transition: TransitionEvent;
  /** Of plugins whose manifest allows several instances. */
  instance: InstanceEvent;
  /** Manifests that cannot be used, or not wholly. */
  problem: readonly ManifestProblem[];
  /** The scheduler has granted or refused a request, evicted plugins for it or made it wait, with what that was based on. */
  decision: Decision;
  /** What became of a plugin that a decision chose to evict. */
  eviction: EvictionEvent;
  /** The code of a plugin has changed, is served, or is at fault. */
  code: CodeEvent;
}
