import type { AnyActorRef } from 'xstate';
import type { Decision, SchedulerRefusal } from './decision.ts';
import type { Measurement } from './measurement.ts';
import type { Need, Resources } from './need.ts';

/** What plugins, the monitor and the supervisor tell the scheduler. Times are milliseconds by the monotonic clock. */
export type SchedulerEvent =
  /** A plugin wants to reside. Answered once: GRANTED or REFUSED, unless it is withdrawn or replaced by another. */
  | {
      readonly type: 'ACQUIRE';
      readonly plugin: string;
      readonly generation: number;
      readonly ref: AnyActorRef;
      readonly need: Need;
      readonly priority: number;
      /** `undefined`: the default, 300 s after `at`. */
      readonly deadline: number | undefined;
      readonly at: number;
      /** When its callers count as waiting from, where that is before `at`. */
      readonly since?: number | undefined;
      /**
       * Whether it is for an instance beside at least one that the plugin has already; `false` by default. Once the
       * plugin has none any more, it asks anew without this, or goes on waiting behind all first instances.
       */
      readonly further?: boolean | undefined;
    }
  /** The callers of a waiting plugin have changed. */
  | {
      readonly type: 'ACQUIRE.UPDATE';
      readonly plugin: string;
      readonly priority: number;
      readonly deadline: number | undefined;
      readonly since?: number | undefined;
    }
  /** A plugin needs no memory any more. */
  | { readonly type: 'WITHDRAW'; readonly plugin: string }
  /** A grant is not used. */
  | { readonly type: 'RETURNED'; readonly plugin: string; readonly generation: number }
  /** A plugin needs memory for a second generation. Answered at once; never waits, never evicts. */
  | {
      readonly type: 'RESERVE_EXTRA';
      readonly plugin: string;
      readonly generation: number;
      readonly ref: AnyActorRef;
      readonly need: Need;
    }
  /** The generation has no lease out since `at`. Comes when it is ready without a call, too. */
  | { readonly type: 'IDLE'; readonly plugin: string; readonly generation: number; readonly at: number }
  /** The generation has its first lease out. */
  | { readonly type: 'BUSY'; readonly plugin: string; readonly generation: number }
  /** The generation has become warm and still uses `kept`, by default nothing. */
  | {
      readonly type: 'RELEASED';
      readonly plugin: string;
      readonly generation: number;
      readonly kept?: Resources | undefined;
    }
  /** The process tree of the generation has ended. */
  | { readonly type: 'FREED'; readonly plugin: string; readonly generation: number }
  /**
   * The generation stays, because it has leases out, or because it was to leave for a further instance of another plugin
   * and is the last of its own. Its next IDLE must follow when the leases are back, at once without any.
   */
  | {
      readonly type: 'DENIED';
      readonly plugin: string;
      readonly generation: number;
      /** It was to leave for a further instance of another plugin, and is the last that its own plugin has. */
      readonly last?: boolean;
    }
  /** The monitor's figures. */
  | ({ readonly type: 'MEASURED' } & Measurement)
  /** The manifest in force states another need. */
  | { readonly type: 'RECONFIGURED'; readonly plugin: string; readonly need: Need };

/** What the scheduler tells a plugin. Times are milliseconds by the monotonic clock. */
export type SchedulerReply =
  | {
      readonly type: 'GRANTED';
      readonly generation: number;
      /** The UUIDs of the GPUs that it may use; `undefined`: those that its manifest and the host say. */
      readonly gpus?: readonly string[] | undefined;
    }
  /** The warm worker cannot have its GPU back, and a new one would get memory elsewhere: end it and ask anew. */
  | { readonly type: 'START_COLD'; readonly generation: number }
  | { readonly type: 'REFUSED'; readonly generation: number; readonly error: SchedulerRefusal }
  /** Leave, unless a lease is out. Answered by RELEASED, FREED or DENIED. */
  | ({ readonly type: 'RELEASE'; readonly generation: number } & LeavesFor)
  /** Take no new calls and leave when the last one ends, or deny at the deadline. Answered like RELEASE. */
  | ({ readonly type: 'YIELD'; readonly generation: number; readonly deadline: number } & LeavesFor);

/** What a resident is asked to leave for. */
interface LeavesFor {
  /** For a further instance of another plugin: to be denied by the last instance of its own. */
  readonly further?: true | undefined;
}

/** What the scheduler asks the monitor for; answered by MEASURED. */
export interface MeasureRequest {
  readonly type: 'MEASURE';
}

/** Something the scheduler has noticed that belongs in the log. */
export type SchedulerFact =
  /** There is neither a capacity nor a monitor, or the policy looks at neither. */
  | { readonly kind: 'nothing-enforced'; readonly policy: string }
  /** The monitor has not answered in time; the last figure, if any, is this old. */
  | { readonly kind: 'monitor-late'; readonly ageMs: number | undefined }
  /** Memory was given up and is not measured as free; by the policy's word the plugin is started all the same. */
  | { readonly kind: 'not-seen-free'; readonly policy: string; readonly plugin: string; readonly waitedMs: number }
  /** A victim has not answered in time; memory is looked for elsewhere. */
  | { readonly kind: 'victim-late'; readonly plugin: string; readonly generation: number; readonly requester: string }
  /** The policy threw, or answered something that is no verdict. */
  | { readonly kind: 'policy-failed'; readonly policy: string; readonly plugin: string; readonly message: string }
  /** The policy chose a resident that cannot be evicted. It was not asked to leave. */
  | { readonly kind: 'victim-spared'; readonly policy: string; readonly plugin: string; readonly generation: number }
  /** By a changed manifest, or by what the plugin was measured to use, the residents exceed the capacity. */
  | { readonly kind: 'overcommitted'; readonly plugin: string; readonly reserved: Resources };

/** What became of a plugin that a decision chose to evict. */
export interface EvictionOutcome {
  readonly plugin: string;
  readonly generation: number;
  /** The plugin that it was to leave for; `undefined` if that one has not waited for it to the end. */
  readonly requester: string | undefined;
  /** `stayed`: a call had reached it first, or its calls did not end in time. */
  readonly outcome: 'left' | 'stayed';
  /** Milliseconds by the monotonic clock. */
  readonly at: number;
}

/** What observers of the scheduler hear. */
export type SchedulerEmitted =
  | { readonly type: 'decision'; readonly decision: Decision }
  | { readonly type: 'eviction'; readonly eviction: EvictionOutcome }
  | { readonly type: 'fact'; readonly fact: SchedulerFact };
