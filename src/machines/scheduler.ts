import { type AnyActorRef, setup } from 'xstate';
import { Admission, DEFAULT_MAX_SCHEDULER_WAITING } from '../scheduler/admission.ts';
import type { Resources } from '../scheduler/need.ts';
import { permissive } from '../scheduler/policies/permissive.ts';
import type { Policy } from '../scheduler/policies/policy.ts';
import type { SchedulerEmitted, SchedulerEvent } from '../scheduler/scheduler-events.ts';
import type { Clock } from '../time/clock.ts';

/** How long a decision waits for the monitor before it continues with the last figures, in milliseconds. */
export const MEASURE_TIMEOUT_MS = 500;

/** What the scheduler is started with. */
export interface SchedulerInput {
  /** The clock of the actor system, for the times in answers and decisions. */
  readonly clock: Pick<Clock, 'monotonic'>;
  /** `permissive` by default. */
  readonly policy?: Policy | undefined;
  /** The most that may be reserved; what is left out is not limited. */
  readonly capacity?: Partial<Resources> | undefined;
  /** The host's own `CUDA_VISIBLE_DEVICES`: other GPUs do not count. */
  readonly hostDevices?: string | undefined;
  /** Is sent MEASURE and answers with MEASURED. */
  readonly monitor?: AnyActorRef | undefined;
  /** The most plugins that wait at once; 1,000 by default. */
  readonly maxWaiting?: number | undefined;
}

/** The context of {@link schedulerMachine}. `admission` changes in place; `version` says that it has. */
export interface SchedulerContext {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly admission: Admission;
  readonly version: number;
}

interface SchedulerTypes {
  context: SchedulerContext;
  events: SchedulerEvent;
  input: SchedulerInput;
  emitted: SchedulerEmitted;
}

const scheduler = setup({
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion, typescript/no-unnecessary-type-assertion -- XState reads nothing but the type of this.
  types: {} as SchedulerTypes,
  delays: {
    monitorIsLate: MEASURE_TIMEOUT_MS,
    nextLook: ({ context }) => context.admission.nextLookIn(context.clock.monotonic()),
  },
  guards: {
    figuresAreOld: ({ context }) => context.admission.pending,
    victimsLeave: ({ context }) => context.admission.evictions.size > 0,
    requestsWait: ({ context }) => !context.admission.queue.empty,
  },
});

/** An action that changes the admission and lets its effects out. */
function change(step: (admission: Admission, now: number, event: SchedulerEvent) => void) {
  return scheduler.enqueueActions(({ context, event, enqueue }) => {
    const { admission, clock, version } = context;
    step(admission, clock.monotonic(), event);
    enqueue.assign({ version: version + 1 });
    for (const effect of admission.takeEffects()) {
      if (effect.to === undefined) enqueue.emit(effect.event);
      else enqueue.sendTo(effect.to, effect.event);
    }
  });
}

const record = change((admission, now, event) => admission.apply(event, now));
const decide = change((admission, now) => admission.decide(now));
const lookAgain = change((admission, now) => admission.lookAgain(now));
const askMonitor = change((admission) => admission.askMonitor());
const giveUpOnMonitor = change((admission, now) => admission.giveUpOnMonitor(now));

/** Takes the event in and decides. */
const consider = { target: '#scheduler.deciding', actions: record } as const;
/** Takes the event in and stays, timers running. */
const note = { actions: record } as const;

/** Events that put no request on the agenda: on their own they lead to no decision. */
const noted = {
  'ACQUIRE.UPDATE': note,
  WITHDRAW: note,
  RETURNED: note,
  RESERVE_EXTRA: note,
  IDLE: note,
  BUSY: note,
  RELEASED: note,
  FREED: note,
  DENIED: note,
  RECONFIGURED: note,
} as const;

/**
 * Which plugins may reside, and which are evicted for them. Plugins ask with ACQUIRE and are answered GRANTED or
 * REFUSED; how a request is decided is said at `decide` in `src/scheduler/decide.ts`. Calls to a resident plugin never come here, only that it
 * became busy or idle does.
 *
 * - `settled`: no plugin waits.
 * - `measuring`: something is to be decided and the monitor's figures are old.
 * - `deciding`: never seen from outside.
 * - `evicting`: others are evicted for at least one plugin; further ones may wait beside it.
 * - `waiting`: at least one plugin waits, and no victim has to answer.
 */
export const schedulerMachine = scheduler.createMachine({
  id: 'scheduler',
  context: ({ input }) => ({
    clock: input.clock,
    admission: new Admission({
      policy: input.policy ?? permissive,
      capacity: input.capacity ?? {},
      hostDevices: input.hostDevices,
      monitor: input.monitor,
      maxWaiting: input.maxWaiting ?? DEFAULT_MAX_SCHEDULER_WAITING,
    }),
    version: 0,
  }),
  initial: 'settled',
  on: {
    ACQUIRE: consider,
    'ACQUIRE.UPDATE': consider,
    WITHDRAW: consider,
    RETURNED: consider,
    RESERVE_EXTRA: consider,
    IDLE: consider,
    BUSY: consider,
    RELEASED: consider,
    FREED: consider,
    DENIED: consider,
    MEASURED: consider,
    RECONFIGURED: consider,
  },
  states: {
    // Every `BUSY` and `IDLE` comes here. While no plugin waits, to decide would be most of what they cost.
    settled: { on: { ...noted, MEASURED: note } },
    deciding: {
      entry: decide,
      always: [
        { guard: 'figuresAreOld', target: 'measuring' },
        { guard: 'victimsLeave', target: 'evicting' },
        { guard: 'requestsWait', target: 'waiting' },
        { target: 'settled' },
      ],
    },
    measuring: {
      entry: askMonitor,
      on: { ...noted, ACQUIRE: note },
      after: { monitorIsLate: { target: 'deciding', actions: giveUpOnMonitor } },
    },
    evicting: { after: { nextLook: { target: 'deciding', actions: lookAgain } } },
    waiting: { after: { nextLook: { target: 'deciding', actions: lookAgain } } },
  },
});
