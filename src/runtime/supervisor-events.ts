import { checkListener } from '../argument-checks.ts';
import { GreenroomError } from '../errors.ts';
import type { ManifestProblem } from '../manifest/read.ts';
import type { Decision } from '../scheduler/decision.ts';
import { quoted } from '../text/shown.ts';
import type { TransitionEvent } from './plugin-effects.ts';
import type { Runtime } from './runtime.ts';

/** What `on` tells of. */
export interface SupervisorEvents {
  transition: TransitionEvent;
  /** Manifests that cannot be used, or not wholly. */
  problem: readonly ManifestProblem[];
  /** The scheduler has granted or refused a request, evicted plugins for it or made it wait, with what that was based on. */
  decision: Decision;
}

/** Calls back at every event of a kind. Returns how to stop. Throws `E_OPTIONS` for a kind or a listener that is none. */
export function listenTo<K extends keyof SupervisorEvents>(
  { transitions, problems, scheduling }: Runtime,
  event: K,
  listener: (value: SupervisorEvents[K]) => void,
): () => void {
  checkListener('on()', listener);
  switch (event) {
    case 'transition':
      return transitions.add(listener as (value: TransitionEvent) => void);
    case 'problem':
      return problems.add(listener as (value: readonly ManifestProblem[]) => void);
    case 'decision':
      return scheduling.decisions.add(listener as (value: Decision) => void);
    default:
      throw new GreenroomError(
        'E_OPTIONS',
        `Unknown event ${quoted(event)} for on(). Expected one of: transition, problem, decision.`,
      );
  }
}
