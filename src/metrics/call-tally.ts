import { tracingChannel } from 'node:diagnostics_channel';
import { Histogram, type Registry } from 'prom-client';
import { CALL_CHANNEL, type CallTrace } from '../calls/call-trace.ts';
import type { PluginTallies } from './plugin-tally.ts';

/** From a small call to a long generation, in seconds; with the one for all of them there are seven. */
const BUCKETS = [0.001, 0.01, 0.1, 1, 10, 100];

/** The metric of how long calls take. */
export const CALL_DURATION = {
  name: 'greenroom_call_duration_seconds',
  help: 'How long calls took that have ended, waiting and loading included.',
} as const;

/** Counts the calls of one supervisor, and how long they take. */
export class CallTally {
  readonly #supervisor: object;
  readonly #tallies: PluginTallies;
  readonly #seconds: Histogram<'plugin'>;
  /** The calls that have begun and not ended, and when, by `performance.now()`. */
  readonly #began = new Map<CallTrace, number>();
  readonly #channel = tracingChannel<unknown, CallTrace>(CALL_CHANNEL);
  readonly #onStart = (message: unknown): void => this.#start(message as CallTrace);
  readonly #onEnd = (message: unknown): void => this.#end(message as CallTrace);

  /** Subscribes to the calls; see {@link close}. */
  constructor(supervisor: object, tallies: PluginTallies, registry: Registry) {
    this.#supervisor = supervisor;
    this.#tallies = tallies;
    this.#seconds = new Histogram({
      ...CALL_DURATION,
      labelNames: ['plugin'],
      buckets: BUCKETS,
      registers: [registry],
    });
    this.#channel.start.subscribe(this.#onStart);
    this.#channel.asyncEnd.subscribe(this.#onEnd);
  }

  close(): void {
    this.#channel.start.unsubscribe(this.#onStart);
    this.#channel.asyncEnd.unsubscribe(this.#onEnd);
    this.#began.clear();
  }

  /** Drops the series of a plugin. */
  forget(plugin: string): void {
    this.#seconds.remove({ plugin });
  }

  #start(trace: CallTrace): void {
    if (trace.supervisor !== this.#supervisor) return;
    this.#tallies.of(trace.plugin).calls += 1;
    this.#began.set(trace, performance.now());
  }

  #end(trace: CallTrace): void {
    const began = this.#began.get(trace);
    if (began === undefined) return;
    this.#began.delete(trace);
    const { plugin, error } = trace;
    // Also where the plugin is gone: its tally takes the series with it at the next scrape.
    const { errors } = this.#tallies.of(plugin);
    this.#seconds.observe({ plugin }, (performance.now() - began) / 1_000);
    if (error !== undefined) errors.add(error.code);
  }
}
