import { type AnyActorRef, createActor, fromCallback } from 'xstate';
import { type SchedulerInput, schedulerMachine } from '../../src/machines/scheduler.ts';
import type { Decision, SchedulerRefusal } from '../../src/scheduler/decision.ts';
import type { GpuAmounts } from '../../src/scheduler/gpus/gpu-amounts.ts';
import type { GenerationUse, Measurement } from '../../src/scheduler/measurement.ts';
import type { Need, Resources } from '../../src/scheduler/need.ts';
import { residentKey } from '../../src/scheduler/resident-key.ts';
import type {
  MeasureRequest,
  SchedulerEvent,
  SchedulerFact,
  SchedulerReply,
} from '../../src/scheduler/scheduler-events.ts';
import { SimulatedClock } from '../simulation/clock.mjs';

/** How a plugin asks, other than with priority 0 and the default deadline. */
export interface Terms {
  readonly generation?: number;
  readonly priority?: number;
  readonly deadline?: number | undefined;
  readonly further?: boolean;
}

/**
 * The scheduler alone, with plugins that do nothing but what the test has them say, and time that is turned by hand. The
 * plugins of `checked-scheduler.ts` follow the protocol; a test here says what it wants, also what they never would.
 */
export class Stage {
  readonly clock = new SimulatedClock(0);
  readonly actor;
  readonly decisions: Decision[] = [];
  readonly facts: SchedulerFact[] = [];
  readonly refusals: SchedulerRefusal[] = [];
  /** What the monitor answers with; `undefined`: it does not answer. */
  measured: Measurement['free'] | undefined;
  /** The GPUs that it tells of, and what it says that workers use. */
  gpus: Measurement['gpus'];
  used: readonly GenerationUse[] = [];
  #log: string[] = [];
  #instanceLog: string[] = [];
  readonly #plugins = new Map<string, AnyActorRef>();
  readonly #actors: { stop(): unknown }[] = [];

  constructor(input: Omit<SchedulerInput, 'clock' | 'monitor'>, measured?: Stage['measured']) {
    this.measured = measured;
    const monitor = measured === undefined ? undefined : this.#actor(() => this.measure());
    this.actor = createActor(schedulerMachine, {
      clock: this.clock,
      input: { ...input, monitor, clock: this.clock },
    });
    this.actor.on('decision', ({ decision }) => this.decisions.push(decision));
    this.actor.on('fact', ({ fact }) => this.facts.push(fact));
    this.#actors.push(this.actor.start());
  }

  [Symbol.dispose](): void {
    for (const actor of this.#actors) actor.stop();
  }

  /** What plugins were told since the last call, each as `<plugin> <event>`, with the reason of a refusal. */
  get told(): readonly string[] {
    const log = this.#log;
    this.#log = [];
    return log;
  }

  /** The same, each as `<plugin>#<generation> <event>`, with `further` where it is to leave for a further instance. */
  get toldEach(): readonly string[] {
    const log = this.#instanceLog;
    this.#instanceLog = [];
    return log;
  }

  get now(): number {
    return this.clock.monotonic();
  }

  get state(): unknown {
    return this.actor.getSnapshot().value;
  }

  /** What the ledger holds as reserved. */
  get reserved(): Resources {
    return this.actor.getSnapshot().context.admission.ledger.reserved;
  }

  /** What a generation has of each GPU. */
  placeOf(plugin: string, generation = 1): GpuAmounts | undefined {
    return this.actor.getSnapshot().context.admission.ledger.get(residentKey({ plugin }), generation)?.need.gpus;
  }

  send(event: SchedulerEvent): void {
    this.actor.send(event);
  }

  /** The monitor says what there is, if it says anything. */
  measure(): void {
    const { measured: free, gpus, used, now: at } = this;
    if (free !== undefined) this.send({ type: 'MEASURED', free, gpus, used, at });
  }

  acquire(plugin: string, need: Need, { generation = 1, priority = 0, deadline, further }: Terms = {}): void {
    const ref = this.#refOf(plugin);
    this.send({ type: 'ACQUIRE', plugin, generation, ref, need, priority, deadline, at: this.now, further });
  }

  withdraw(plugin: string): void {
    this.send({ type: 'WITHDRAW', plugin });
  }

  busy(plugin: string, generation = 1): void {
    this.send({ type: 'BUSY', plugin, generation });
  }

  idle(plugin: string, generation = 1): void {
    this.send({ type: 'IDLE', plugin, generation, at: this.now });
  }

  /** The plugin gets a further instance, last used now. */
  grow(plugin: string, need: Need, generation: number): void {
    this.acquire(plugin, need, { generation, further: true });
    if (this.toldEach.at(-1) !== `${plugin}#${generation} GRANTED`) throw new Error(`${plugin} did not grow`);
    this.idle(plugin, generation);
  }

  denied(plugin: string, generation = 1, last = false): void {
    this.send({ type: 'DENIED', plugin, generation, last });
  }

  freed(plugin: string, generation = 1): void {
    this.send({ type: 'FREED', plugin, generation });
  }

  warm(plugin: string, kept: Resources | undefined, generation = 1): void {
    this.send({ type: 'RELEASED', plugin, generation, kept });
  }

  /** Has a plugin reside without a call, last used now. */
  reside(plugin: string, need: Need, generation = 1): void {
    this.acquire(plugin, need, { generation });
    const told = this.told;
    if (told.at(-1) !== `${plugin} GRANTED`) throw new Error(`${plugin} was not granted: ${told.join()}`);
    this.idle(plugin, generation);
  }

  pass(ms: number): void {
    this.clock.pass(ms);
  }

  #refOf(plugin: string): AnyActorRef {
    let ref = this.#plugins.get(plugin);
    if (ref === undefined) {
      ref = this.#actor((event) => {
        if (event.type === 'MEASURE') return;
        if (event.type === 'REFUSED') this.refusals.push(event.error);
        const further = 'further' in event ? ' further' : '';
        const reason = event.type === 'REFUSED' ? ` ${event.error.reason}` : '';
        this.#instanceLog.push(`${plugin}#${event.generation} ${event.type}${reason}${further}`);
        this.#log.push(`${plugin} ${event.type}${reason}`);
      });
      this.#plugins.set(plugin, ref);
    }
    return ref;
  }

  #actor(received: (event: SchedulerReply | MeasureRequest) => void): AnyActorRef {
    const actor = createActor(fromCallback<SchedulerReply | MeasureRequest>(({ receive }) => receive(received)));
    this.#actors.push(actor.start());
    return actor;
  }
}
