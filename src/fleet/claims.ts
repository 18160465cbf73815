import { HAND_BACK_AFTER_MS, handsBack } from './policy/hand-back.ts';
import type { SharingPorts } from './sharing-ports.ts';

/**
 * The plugins for which a job was claimed here and that have no worker yet. What does not get its memory after all is given
 * back.
 */
export class Claims {
  readonly #ports: Pick<SharingPorts, 'clock' | 'standingOf' | 'atWork' | 'unclaim' | 'giveBack'>;
  /** Since when each asks for memory; undefined: it does not. */
  readonly #claimed = new Map<string, number | undefined>();
  #timer: unknown;
  #isClosed = false;

  constructor(ports: SharingPorts) {
    this.#ports = ports;
  }

  get plugins(): Iterable<string> {
    return this.#claimed.keys();
  }

  /** A job of the plugin was taken, for which it is to be loaded. */
  add(plugin: string): void {
    this.#claimed.set(plugin, undefined);
    this.#watch();
  }

  /** Gives back nothing more. */
  close(): void {
    this.#isClosed = true;
    this.#ports.clock.clearTimeout(this.#timer);
  }

  #watch(): void {
    const { clock } = this.#ports;
    clock.clearTimeout(this.#timer);
    if (this.#claimed.size === 0 || this.#isClosed) return;
    this.#timer = clock.setTimeout(() => {
      const atWork = this.#ports.atWork();
      for (const [plugin, since] of [...this.#claimed]) this.#look(plugin, since, atWork.has(plugin));
      this.#watch();
    }, HAND_BACK_AFTER_MS / 4);
  }

  #look(plugin: string, since: number | undefined, isAtWork: boolean): void {
    const standing = this.#ports.standingOf(plugin);
    if (standing.state === 'warm' || standing.state === 'loading') {
      this.#claimed.delete(plugin);
    } else if (!isAtWork) {
      this.#claimed.delete(plugin);
      this.#ports.unclaim(plugin);
    } else {
      const now = this.#ports.clock.monotonic();
      const asksSince = standing.state === 'asking' ? (since ?? now) : undefined;
      this.#claimed.set(plugin, asksSince);
      if (handsBack(standing.prospect(), asksSince === undefined ? undefined : now - asksSince))
        this.#ports.giveBack(plugin);
    }
  }
}
