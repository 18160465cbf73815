import { LIFECYCLE } from '../../../machines/plugin/phases.ts';
import type {
  ActorId,
  ContextChange,
  CrashRecord,
  DecisionRecord,
  JsonObject,
  MachineName,
  MilestoneRecord,
  PluginSnapshot,
  TransitionRecord,
} from '../../wire.ts';
import { wordOf } from './format.ts';

/** What of a plugin does not change while it is there; everything else is in its actor's context. */
export type PluginFacts = Pick<PluginSnapshot, 'version' | 'description' | 'category' | 'manifestPath' | 'budgetMb'>;

/** What one of several instances of a plugin is at. */
export interface InstanceState {
  /** As a plugin's. */
  readonly state: string;
  readonly phase: string;
  /** When it was entered, in milliseconds since the epoch; undefined where that is not remembered. */
  readonly since: number | undefined;
}

/** One actor at one instant. Never changed: a later instant has another object. */
export interface ActorState {
  readonly id: ActorId;
  readonly machine: MachineName;
  /** The plugin's name; of a worker too. */
  readonly name: string;
  /** The paths of the states it is in, as in `ChartState.path`; empty where nobody was looking when it was entered. */
  readonly active: readonly string[];
  /** One of the six states for a plugin; the path for the others. */
  readonly state: string;
  /** What goes on inside the state; `''` where that is nothing of its own. */
  readonly phase: string;
  /** When it was entered, in milliseconds since the epoch; undefined where that is not remembered. */
  readonly since: number | undefined;
  /** What its machine remembers. A plugin's: see `ActorSnapshot.context`. */
  readonly context: JsonObject;
  /** What has last changed in it. */
  readonly change: ContextChange | undefined;
  readonly lastTransition: TransitionRecord | undefined;
  readonly lastDecision: DecisionRecord | undefined;
  /** The last decision by which it had to go for another. */
  readonly lastEviction: DecisionRecord | undefined;
  readonly lastCrash: CrashRecord | undefined;
  /** How many crashes are remembered up to this instant. */
  readonly crashes: number;
  /** When something last happened to it, events that only passed by aside; 0 where nothing is remembered. */
  readonly lastAt: number;
  /** Of a worker of a plugin that may have several. */
  readonly instance: InstanceState | undefined;
  /** Of a plugin, where its coming is remembered or it is there now. */
  readonly facts: PluginFacts | undefined;
}

/** All actors at one instant. */
export interface Moment {
  /** The last record that is in it. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly actors: ReadonlyMap<ActorId, ActorState>;
}

/** What a lane draws of one actor, up to the end of what is remembered. */
export interface Lane {
  readonly id: ActorId;
  readonly name: string;
  /**
   * Set where the lane is of instances of the actor, from 1: there are as many such lanes as there were instances at once,
   * and in each they follow one another.
   */
  readonly row?: number | undefined;
  /** One after another, without gaps; the last one goes on. */
  readonly stays: readonly Stay[];
  /** In MiB, in order of time. */
  readonly memory: readonly { readonly at: number; readonly memoryMb: number }[];
  /** The most memory its manifest allows, in MiB. */
  readonly budgetMb: number | undefined;
  /** Crashes, and evictions in favour of another plugin. */
  readonly marks: readonly {
    readonly at: number;
    readonly seq: number;
    readonly kind: 'crash' | 'eviction';
    /** Of an eviction: for whom it had to go. */
    readonly asker?: ActorId | undefined;
  }[];
}

/** The time that an actor spends in one state. */
export interface Stay {
  readonly state: string;
  readonly phase: string;
  readonly from: number;
  /** The transition that began it; 0 where that is not remembered. */
  readonly seq: number;
  /** In a lane of instances: which one it is of. */
  readonly generation?: number | undefined;
}

/** What the lanes of a plugin's instances are made from. */
export interface InstanceHistory {
  /** The plugin's actor. */
  readonly id: ActorId;
  /** The actors at the start of what is remembered, and when that was, in milliseconds since the epoch. */
  readonly start: ReadonlyMap<ActorId, ActorState>;
  readonly startAt: number;
  /** The instant from which no record is missing. */
  readonly complete: Moment;
  readonly recordsOf: (id: ActorId) => readonly MilestoneRecord[];
}

/** Whether two are at the same. */
export const isAlike = (a: Pick<Stay, 'state' | 'phase'> | undefined, b: Pick<Stay, 'state' | 'phase'>): boolean =>
  a?.state === b.state && a.phase === b.phase;

/** The state of a {@link Stay} in which there is no instance. */
export const NO_INSTANCE = 'none';

/** The id of the actor of one generation of a plugin's worker. */
export const workerId = (plugin: string, generation: number): ActorId => `worker:${plugin}#${generation}`;

/** The id of the plugin to which an actor belongs; its own where it is a plugin or belongs to none. */
export const pluginOf = (id: ActorId): ActorId =>
  id.startsWith('worker:') ? `plugin:${id.slice('worker:'.length, id.lastIndexOf('#'))}` : id;

/** The generations of the workers that a plugin's context lists. */
export function workersIn(context: JsonObject | undefined): number[] {
  const workers = context?.['workers'];
  if (!Array.isArray(workers)) return [];
  return (workers as readonly { readonly generation: number }[]).map(({ generation }) => generation);
}

/** The plugins that a decision asks to go. */
export function victimsOf({ chosen }: DecisionRecord): ActorId[] {
  return chosen.map(({ plugin }) => `plugin:${wordOf(plugin)}`);
}

/** Whether a plugin that was asked to leave and enters this state has not left. */
export function staysIn(state: string): boolean {
  return /^ready|^busy\.serving/.test(state);
}

/** The plugin for which this one was evicted; undefined if it was not, or has asked for memory again since. */
export function evictedFor({ lastDecision, lastEviction }: ActorState): ActorId | undefined {
  return lastEviction !== undefined && lastEviction.seq > (lastDecision?.seq ?? 0) ? lastEviction.actor : undefined;
}

/** A number of a context; undefined where there is none. */
export function numberIn(context: JsonObject, key: string): number | undefined {
  const value = context[key];
  return typeof value === 'number' ? value : undefined;
}

/** What a state is called for people, `busy.serving` being `busy` and `serving`. */
export function stateAndPhase(machine: MachineName, text: string): { readonly state: string; readonly phase: string } {
  if (machine !== 'plugin') return { state: text, phase: '' };
  const [state = '', ...phase] = text.split('.');
  return { state, phase: phase.join('.') };
}

/** The same of the paths that an actor is in. */
export function stateOfPaths(machine: MachineName, active: readonly string[]): ReturnType<typeof stateAndPhase> {
  if (machine !== 'plugin') return { state: active.join(' '), phase: '' };
  const path = active.find((each) => each.startsWith(LIFECYCLE));
  return path === undefined
    ? { state: active.join(' '), phase: '' }
    : stateAndPhase(machine, path.slice(LIFECYCLE.length));
}

/** The paths that an actor was in, from the name of the state in a transition's `from`. */
export function pathsOfState(machine: MachineName, text: string, context: JsonObject): string[] {
  if (machine !== 'plugin') return text.split(' ').filter((path) => path !== '');
  const beside = ['replacement', 'stability'].flatMap((region) => {
    const state = context[region];
    return typeof state === 'string' ? [`alive.${region}.${state}`] : [];
  });
  return [LIFECYCLE + text, ...beside];
}
