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

/** What `on` tells of. */
export interface SupervisorEvents {
  transition: TransitionEvent;
  /** Manifests that cannot be used, or not wholly. */
  problem: readonly ManifestProblem[];
  /** The scheduler has granted or refused a request, evicted plugins for it or made it wait, with what that was based on. */
  decision: Decision;
}
