import { checkListener } from '../argument-checks.ts';
import { GreenroomError } from '../errors.ts';
import type { ManifestProblem } from '../manifest/manifest-problem.ts';
import type { Decision } from '../scheduler/decision.ts';
import { quoted } from '../text/shown.ts';
import type { Runtime } from './runtime.ts';
import type {
  CodeEvent,
  EvictionEvent,
  InstanceEvent,
  SupervisorEvents,
  TransitionEvent,
} from './supervisor-events.ts';

/** Calls back at every event of a kind. Returns how to stop. Throws `E_OPTIONS` for a kind or a listener that is none. */
export function listenTo<K extends keyof SupervisorEvents>(
  { transitions, instances, problems, scheduling, code }: Runtime,
  event: K,
  listener: (value: SupervisorEvents[K]) => void,
): () => void {
  checkListener('on()', listener);
  switch (event) {
    case 'transition':
      return transitions.add(listener as (value: TransitionEvent) => void);
    case 'instance':
      return instances.add(listener as (value: InstanceEvent) => void);
    case 'problem':
      return problems.add(listener as (value: readonly ManifestProblem[]) => void);
    case 'decision':
      return scheduling.decisions.add(listener as (value: Decision) => void);
    case 'eviction':
      return scheduling.evictions.add(listener as (value: EvictionEvent) => void);
    case 'code':
      return code.add(listener as (value: CodeEvent) => void);
    default:
      throw new GreenroomError(
        'E_OPTIONS',
        `Unknown event ${quoted(event)} for on(). Expected one of: transition, instance, problem, decision, eviction, code.`,
      );
  }
}
