import { GreenroomError } from '../errors.ts';
import { Listeners } from '../events/listeners.ts';
import type { PluginSnapshot } from '../runtime/plugin-snapshot.ts';
import type { SupervisorSnapshot } from '../runtime/supervisor.ts';
import type { SupervisorEvents } from '../runtime/supervisor-events.ts';
import { quoted } from '../text/shown.ts';
import { warnOf } from './daemon-calls.ts';
import type { DaemonConnection } from './daemon-connection.ts';
import { EventFeed, type Told } from './event-feed.ts';

const EVENTS = ['transition', 'instance', 'problem', 'decision', 'eviction'] as const;

/** Tells listeners of a client what happens at the daemon. The daemon is asked while somebody listens. */
export class ToldEvents {
  readonly #connection: DaemonConnection;
  readonly #ask: () => Promise<SupervisorSnapshot>;
  readonly #listeners = new Listeners<Told>(warnOf);
  readonly #snapshots = new Listeners<SupervisorSnapshot>(warnOf);
  #feed: EventFeed | undefined;
  #count = 0;
  /** Whether the daemon is being asked for a snapshot, and whether something has happened since. */
  #asking: 'no' | 'yes' | 'again' = 'no';

  constructor(connection: DaemonConnection, ask: () => Promise<SupervisorSnapshot>) {
    this.#connection = connection;
    this.#ask = ask;
  }

  /** Throws `E_OPTIONS` for an event that there is not. */
  on<K extends keyof SupervisorEvents>(event: K, listener: (value: SupervisorEvents[K]) => void): () => void {
    if (!EVENTS.includes(event))
      throw new GreenroomError(
        'E_OPTIONS',
        `Unknown event ${quoted(event)} for on(). Expected one of: ${EVENTS.join(', ')}.`,
      );
    return this.#hold(
      this.#listeners.add((told) => (told.event === event ? listener(told.value as SupervisorEvents[K]) : undefined)),
    );
  }

  /** Calls back with all plugins, at first and after transitions. */
  onSnapshot(listener: (snapshot: SupervisorSnapshot) => void): () => void {
    const stop = this.#hold(this.#snapshots.add(listener));
    void this.#show();
    return stop;
  }

  /** Calls back with a plugin at each of its transitions. */
  onPlugin(name: string, listener: (plugin: PluginSnapshot) => void): () => void {
    let seen: string | undefined;
    return this.#hold(
      this.#snapshots.add(({ plugins }) => {
        const plugin = plugins.find((each) => each.name === name);
        const state = plugin === undefined ? undefined : `${plugin.state} ${plugin.phase} ${plugin.since}`;
        const isNew = state !== seen;
        seen = state;
        return plugin !== undefined && isNew ? listener(plugin) : undefined;
      }),
    );
  }

  /** Tells nobody anything more. */
  close(): void {
    this.#feed?.close();
    this.#feed = undefined;
  }

  #hold(stop: () => void): () => void {
    this.#count += 1;
    this.#feed ??= new EventFeed(this.#connection, (told) => this.#tell(told));
    let isHeld = true;
    return () => {
      stop();
      if (isHeld) this.#count -= 1;
      isHeld = false;
      if (this.#count === 0) this.close();
    };
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
