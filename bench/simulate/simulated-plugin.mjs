// @ts-check
import { createActor, fromCallback } from 'xstate';

/**
 * @import { AnyActorRef } from 'xstate'
 * @import { SchedulerEvent, SchedulerReply } from '../../dist/scheduler/scheduler-events.js'
 * @import { Clock } from '../../dist/time/clock.js'
 * @import { TraceCall, TracePlugin } from './trace.mjs'
 */

/**
 * What becomes of a plugin and its calls.
 *
 * @typedef {{
 *   granted(plugin: SimulatedPlugin): void,
 *   began(plugin: SimulatedPlugin): void,
 *   served(call: TraceCall, waitedMs: number): void,
 *   answered?: (call: TraceCall) => void,
 *   ended(plugin: SimulatedPlugin): void,
 *   refused(calls: number, reason: string): void,
 *   gone(plugin: SimulatedPlugin): void,
 * }} Witness
 */

/**
 * A plugin as the scheduler knows it, that serves its calls one after another: what the plugin machine says to the
 * scheduler, without the machine and without a process. It follows a trace, and a trace of a million calls in seconds: the
 * plugins of `test/scheduler/checked-scheduler.ts` do what a test draws for them, also what no plugin does, and the
 * workers of `test/simulation/` need the whole supervisor around them.
 */
export class SimulatedPlugin {
  /** @type {'absent' | 'asking' | 'loading' | 'idle' | 'busy' | 'yielding' | 'going'} */
  #state = 'absent';
  #generation = 0;
  /** @type {TraceCall[]} */
  #waiting = [];
  /** How many of those have been served already: taking them off the front would cost as much as there are. */
  #served = 0;
  /** @type {TraceCall | undefined} */
  #serving;
  /** @type {unknown} */
  #yieldTimer;
  /** @type {AnyActorRef} */
  #ref;

  /**
   * @param {number} index @param {TracePlugin} figures @param {Clock} clock
   * @param {(event: SchedulerEvent) => void} tell @param {Witness} witness
   */
  constructor(index, figures, clock, tell, witness) {
    this.index = index;
    this.figures = figures;
    this.clock = clock;
    this.tell = tell;
    this.witness = witness;
    const logic = fromCallback(({ receive }) => receive((event) => this.#hear(/** @type {SchedulerReply} */ (event))));
    this.#ref = createActor(logic).start();
  }

  get atRest() {
    return this.#state === 'absent' || this.#state === 'idle';
  }

  get state() {
    return this.#state;
  }

  get generation() {
    return this.#generation;
  }

  get ref() {
    return this.#ref;
  }

  /** How many calls run or wait. */
  get calls() {
    return this.#waiting.length - this.#served + (this.#serving === undefined ? 0 : 1);
  }

  /** Takes a call back that is not being served; false where it is. @param {TraceCall} call */
  withdraw(call) {
    const place = this.#waiting.indexOf(call, this.#served);
    if (place === -1) return false;
    this.#waiting.splice(place, 1);
    if (this.#state === 'asking' && this.#waiting.length === this.#served) {
      this.#state = 'absent';
      this.tell({ type: 'WITHDRAW', plugin: this.figures.name });
    }
    return true;
  }

  /** @param {TraceCall} call */
  call(call) {
    this.#waiting.push(call);
    if (this.#state === 'absent') this.#ask();
    else if (this.#state === 'idle') this.#begin();
  }

  #ask() {
    this.#state = 'asking';
    this.#generation += 1;
    this.tell({
      type: 'ACQUIRE',
      plugin: this.figures.name,
      generation: this.#generation,
      ref: this.#ref,
      need: { vramMb: this.figures.mb, ramMb: 0, slots: 1 },
      priority: 0,
      deadline: undefined,
      at: this.clock.monotonic(),
    });
  }

  /** @param {SchedulerReply} event */
  #hear(event) {
    switch (event.type) {
      case 'GRANTED':
        this.#state = 'loading';
        this.witness.granted(this);
        this.clock.setTimeout(() => this.#begin(), this.figures.loadMs);
        return;
      case 'REFUSED':
        this.#state = 'absent';
        this.witness.refused(this.#waiting.length, event.error.reason);
        this.#waiting = [];
        return;
      case 'RELEASE':
        if (this.#state === 'idle') this.#leave();
        else this.#say('DENIED');
        return;
      case 'START_COLD':
        throw new Error(`"${this.figures.name}" is never warm.`);
      case 'YIELD':
        if (this.#state === 'idle') this.#leave();
        else if (this.#state === 'busy') this.#yield(event.deadline);
        else this.#say('DENIED');
    }
  }

  #begin() {
    // The call it was loaded for was taken back.
    if (this.#waiting.length === this.#served) return this.#rest();
    this.#state = 'busy';
    this.#say('BUSY');
    this.witness.began(this);
    this.#serve();
  }

  #serve() {
    const call = this.#waiting[this.#served];
    if (call === undefined) throw new Error(`"${this.figures.name}" has nothing to serve.`);
    this.#served += 1;
    this.#serving = call;
    this.witness.served(call, this.clock.monotonic() - call.at);
    this.clock.setTimeout(() => this.#answered(), call.ms);
  }

  #answered() {
    const call = this.#serving;
    this.#serving = undefined;
    if (call !== undefined) this.witness.answered?.(call);
    if (this.#served === this.#waiting.length) {
      this.#waiting = [];
      this.#served = 0;
    } else if (this.#state === 'busy') {
      return this.#serve();
    }
    this.witness.ended(this);
    if (this.#state === 'yielding') {
      this.clock.clearTimeout(this.#yieldTimer);
      return this.#leave();
    }
    this.#rest();
  }

  #rest() {
    this.#state = 'idle';
    this.tell({
      type: 'IDLE',
      plugin: this.figures.name,
      generation: this.#generation,
      at: this.clock.monotonic(),
    });
  }

  /** What is being served is served to its end; after the deadline it stays. @param {number} deadline */
  #yield(deadline) {
    this.#state = 'yielding';
    const stay = () => {
      this.#state = 'busy';
      this.#say('DENIED');
    };
    this.#yieldTimer = this.clock.setTimeout(stay, Math.max(0, deadline - this.clock.monotonic()));
  }

  #leave() {
    this.#state = 'going';
    const gone = () => {
      this.#state = 'absent';
      this.#waiting = this.#waiting.slice(this.#served);
      this.#served = 0;
      this.witness.gone(this);
      this.#say('FREED');
      if (this.#waiting.length > 0) this.#ask();
    };
    this.clock.setTimeout(gone, this.figures.stopMs);
  }

  /** @param {'BUSY' | 'DENIED' | 'FREED'} type */
  #say(type) {
    this.tell({ type, plugin: this.figures.name, generation: this.#generation });
  }
}
