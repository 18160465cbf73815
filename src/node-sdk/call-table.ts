/** The longest identifier of a call, in bytes of UTF-8. */
export const MAX_CALL_BYTES = 128;

const FREE = 0;
const HIGHEST_TICKET = 0x7fffffff;

/** Where a call stands in the table; the ticket tells it from earlier calls in the same slot. */
export interface CallEntry {
  readonly slot: number;
  readonly ticket: number;
}

/**
 * The running calls, in memory that the main thread and the control thread share: so a call can be found and marked as
 * cancelled while the main thread is busy with it. The main thread alone opens and closes entries. A slot's state is 0
 * when free, its ticket while the call runs, and the negated ticket once it is cancelled.
 */
export class CallTable {
  readonly memory: SharedArrayBuffer;
  readonly #states: Int32Array;
  readonly #lengths: Int32Array;
  readonly #ids: Buffer;
  readonly #free: number[];
  #ticket = 0;

  /** `memory` is that of another thread's table; without it a new one with room for `slots` calls is made. */
  constructor(slots: number, memory = new SharedArrayBuffer(slots * (8 + MAX_CALL_BYTES))) {
    this.memory = memory;
    this.#states = new Int32Array(memory, 0, slots);
    this.#lengths = new Int32Array(memory, slots * 4, slots);
    this.#ids = Buffer.from(memory, slots * 8, slots * MAX_CALL_BYTES);
    this.#free = Array.from({ length: slots }, (_, slot) => slots - 1 - slot);
  }

  /** Enters a call; `undefined` where the table is full. */
  open(call: string): CallEntry | undefined {
    const slot = this.#free.pop();
    if (slot === undefined) return undefined;
    this.#lengths[slot] = this.#ids.write(call, slot * MAX_CALL_BYTES, MAX_CALL_BYTES, 'utf8');
    this.#ticket = this.#ticket === HIGHEST_TICKET ? 1 : this.#ticket + 1;
    Atomics.store(this.#states, slot, this.#ticket);
    return { slot, ticket: this.#ticket };
  }

  /** Removes a call that has ended. */
  close({ slot }: CallEntry): void {
    Atomics.store(this.#states, slot, FREE);
    this.#free.push(slot);
  }

  /** Whether a call that has not been closed was cancelled. */
  isCancelled({ slot }: CallEntry): boolean {
    return Atomics.load(this.#states, slot) < FREE;
  }

  /** Marks the running calls of this name as cancelled; none where no such call runs. May be asked again. Any thread. */
  cancel(call: string): CallEntry[] {
    const cancelled: CallEntry[] = [];
    for (let slot = 0; slot < this.#states.length; slot += 1) {
      const state = Atomics.load(this.#states, slot);
      if (state === FREE || this.#idAt(slot) !== call) continue;
      const ticket = Math.abs(state);
      // The call may have ended, and another have taken its slot, while its identifier was read.
      const seen = Atomics.compareExchange(this.#states, slot, ticket, -ticket);
      if (seen === ticket || seen === -ticket) cancelled.push({ slot, ticket });
    }
    return cancelled;
  }

  #idAt(slot: number): string {
    const start = slot * MAX_CALL_BYTES;
    return this.#ids.toString('utf8', start, start + (this.#lengths[slot] ?? 0));
  }
}
