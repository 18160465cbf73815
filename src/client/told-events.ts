import { GreenroomError } from '../errors.ts';
import { Listeners } from '../events/listeners.ts';
import type { PluginSnapshot } from '../runtime/plugin-snapshot.ts';
import type { SupervisorSnapshot } from '../runtime/supervisor.ts';
import type { SupervisorEvents } from '../runtime/supervisor-events.ts';
import { quoted } from '../text/shown.ts';
import { warnOf } from './daemon-calls.ts';
import type { DaemonConnection } from './daemon-connection.ts';
import { EventFeed, type Told } from './event-feed.ts';

const EVENTS = ['transition', 'instance', 'problem', 'decision', 'eviction', 'code'] as const;

/** Told why nothing more will come: the daemon refuses the client, or has another interface. */
export type OnEnd = (error: Error) => void;

/**
 * Tells listeners of a client what happens at the daemon. The daemon is asked while somebody listens. Where it refuses
 * that for good, those who listen are told, by a warning if none of them wants to know; the next one has it asked again.
 */
export class ToldEvents {
  readonly #connection: DaemonConnection;
  readonly #ask: () => Promise<SupervisorSnapshot>;
  readonly #listeners = new Listeners<Told>(warnOf);
  readonly #snapshots = new Listeners<SupervisorSnapshot>(warnOf);
  readonly #ends = new Listeners<Error>(warnOf);
  #feed: EventFeed | undefined;
  #count = 0;
  /** Whether the daemon is being asked for a snapshot, and whether something has happened since. */
  #asking: 'no' | 'yes' | 'again' = 'no';

  constructor(connection: DaemonConnection, ask: () => Promise<SupervisorSnapshot>) {
    this.#connection = connection;
    this.#ask = ask;
  }

  /** Throws `E_OPTIONS` for an event that there is not. */
  on<K extends keyof SupervisorEvents>(
    event: K,
    listener: (value: SupervisorEvents[K]) => void,
    onEnd?: OnEnd,
  ): () => void {
    if (!EVENTS.includes(event))
      throw new GreenroomError(
        'E_OPTIONS',
        `Unknown event ${quoted(event)} for on(). Expected one of: ${EVENTS.join(', ')}.`,
      );
    return this.#hold(
      this.#listeners.add((told) => (told.event === event ? listener(told.value as SupervisorEvents[K]) : undefined)),
      onEnd,
    );
  }

  /** Calls back with all plugins, at first and after transitions. */
  onSnapshot(listener: (snapshot: SupervisorSnapshot) => void, onEnd?: OnEnd): () => void {
    const stop = this.#hold(this.#snapshots.add(listener), onEnd);
    void this.#show();
    return stop;
  }

  /** Calls back with a plugin at each of its transitions. */
  onPlugin(name: string, listener: (plugin: PluginSnapshot) => void, onEnd?: OnEnd): () => void {
    let seen: string | undefined;
    return this.#hold(
      this.#snapshots.add(({ plugins }) => {
        const plugin = plugins.find((each) => each.name === name);
        const state = plugin === undefined ? undefined : `${plugin.state} ${plugin.phase} ${plugin.since}`;
        const isNew = state !== seen;
        seen = state;
        return plugin !== undefined && isNew ? listener(plugin) : undefined;
      }),
      onEnd,
    );
  }

  /** Tells nobody anything more. */
  close(): void {
    this.#feed?.close();
    this.#feed = undefined;
  }

  #hold(stop: () => void, onEnd: OnEnd | undefined): () => void {
    this.#count += 1;
    const stopEnd = onEnd === undefined ? undefined : this.#ends.add(onEnd);
    this.#feed ??= new EventFeed(
      this.#connection,
      (told) => this.#tell(told),
      (error) => this.#fail(error as Error),
    );
    let isHeld = true;
    return () => {
      stop();
      stopEnd?.();
      if (isHeld) this.#count -= 1;
      isHeld = false;
      if (this.#count === 0) this.close();
    };
  }

  #fail(error: Error): void {
    this.#feed = undefined;
    if (this.#ends.any) this.#ends.notify(error);
    else warnOf(error);
  }

  #tell(told: Told): void {
    this.#listeners.notify(told);
    if (told.event === 'snapshot') this.#snapshots.notify(told.value);
    else if (this.#snapshots.any) void this.#show();
  }

  /** Of any number of transitions in a short time, all are told by one snapshot. */
  async #show(): Promise<void> {
    if (this.#asking !== 'no') {
      this.#asking = 'again';
      return;
    }
    do {
      this.#asking = 'yes';
      try {
        this.#snapshots.notify(await this.#ask());
      } catch {
        // The feed connects again, and begins with a snapshot or goes on with a transition.
      }
    } while (this.#isAgain());
    this.#asking = 'no';
  }

  #isAgain(): boolean {
    return this.#asking === 'again';
  }
}
