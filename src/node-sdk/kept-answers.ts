import type { PlacedBytes } from '../json/placed-bytes.ts';

/** The last frame of a call. */
export interface LastFrame {
  readonly type: number;
  readonly text: string;
  readonly placed: readonly PlacedBytes[];
}

/** Last frames that are too long for the shared connection of their calls, until they are fetched over another one. */
export class KeptAnswers {
  readonly #frames = new Map<number, { readonly owner: object; readonly frame: LastFrame }>();

  has(call: number): boolean {
    return this.#frames.has(call);
  }

  /** `owner` is the shared connection. */
  keep(owner: object, call: number, frame: LastFrame): void {
    this.#frames.set(call, { owner, frame });
  }

  /** Gives the frame away. */
  take(call: number): LastFrame | undefined {
    const kept = this.#frames.get(call);
    this.#frames.delete(call);
    return kept?.frame;
  }

  /** Drops what nobody has fetched before its shared connection closed. */
  dropAllOf(owner: object): void {
    for (const [call, kept] of this.#frames) if (kept.owner === owner) this.#frames.delete(call);
  }
}
