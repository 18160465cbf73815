import { systemClock } from '../../time/clock.ts';
import type { History } from '../history.ts';
import type { JobOperation } from './job-scripts.ts';
import type { CommandPart } from './redis-link.ts';

/** How programs know of each other whether they live, in milliseconds. */
export interface Liveness {
  /** How often a program says that it lives. */
  readonly beatMs: number;
  /** After how long without a beat it is gone, and others take over what it had. */
  readonly goneMs: number;
  /** How often is looked whether other programs have added jobs that nothing was said of. */
  readonly lookMs: number;
}

/** How many times are kept at which something is due; what is due beside them waits for the next beat. */
const MOST_DUES = 1_000;

const LIVENESS: Liveness = { beatMs: 2_000, goneMs: 6_000, lookMs: 10_000 };

/** What a beat is made of. */
export interface NodeBeatParts {
  readonly node: string;
  readonly history: History;
  readonly liveness: Liveness | undefined;
  readonly run: (operation: JobOperation, args: readonly CommandPart[]) => Promise<unknown>;
  /** The jobs that the program has. */
  readonly held: ReadonlySet<string>;
  readonly removeFiles: (names: readonly string[]) => Promise<void>;
  readonly onCancel: (plugin: string, id: string, error: string) => void;
  /** Looks for jobs that nothing was said of. */
  readonly look: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** Says again and again that a program lives, and does then what falls to whoever comes: what is due, and what others left. */
export class NodeBeat {
  readonly #parts: NodeBeatParts;
  readonly #liveness: Liveness;
  /** How many times jobs are being taken: what Redis says of those that are held may be ahead. */
  #taking = 0;
  #onTaken: (() => void) | undefined;
  /** While it is set right what is held, nothing is taken. */
  #settingRight: Promise<void> | undefined;
  /** Undefined: told. */
  #toAnnounce: string | undefined;
  #timer: unknown;
  #lookTimer: unknown;
  #beating: Promise<void> | undefined;
  #isBeating = false;
  /** When the next beat is at the latest, and when something of this program is due before, by the monotonic clock. */
  #nextAt = 0;
  #dues: number[] = [];
  #isStopped = false;

  constructor(parts: NodeBeatParts) {
    this.#parts = parts;
    this.#liveness = parts.liveness ?? LIVENESS;
  }

  get goneMs(): number {
    return this.#liveness.goneMs;
  }

  /** The first beat. Rejects where Redis refuses it. */
  async start(): Promise<void> {
    await this.#beat();
    this.#nextAt = systemClock.monotonic() + this.#liveness.beatMs;
    this.#schedule();
    this.#scheduleLook();
  }

  /** Ends; resolves when no beat is on its way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    systemClock.clearTimeout(this.#timer);
    systemClock.clearTimeout(this.#lookTimer);
    await this.#beating;
  }

  /** Asks for jobs, whose identifiers are to be noted as held before this resolves. */
  async take<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    while (this.#settingRight !== undefined) await this.#settingRight;
    this.#taking += 1;
    try {
      return await ask();
    } finally {
      this.#taking -= 1;
      if (this.#taking === 0) this.#onTaken?.();
    }
  }

  /** Tells the others this text with the next beat. */
  announce(text: string): void {
    this.#toAnnounce = text;
  }

  /** Something that this program has added is due after so long: that need not wait for the next beat. */
  wakeAfter(ms: number): void {
    if (this.#isStopped || this.#dues.length === MOST_DUES) return;
    this.#dues.push(systemClock.monotonic() + ms + 1);
    this.#schedule();
  }

  #schedule(): void {
    systemClock.clearTimeout(this.#timer);
    if (this.#isStopped || this.#isBeating) return;
    const at = this.#dues.reduce((first, due) => Math.min(first, due), this.#nextAt);
    this.#timer = systemClock.setTimeout(() => void this.#turn(), at - systemClock.monotonic());
  }

  async #turn(): Promise<void> {
    this.#isBeating = true;
    const now = systemClock.monotonic();
    this.#dues = this.#dues.filter((due) => due > now);
    this.#beating = this.#beat().catch(this.#parts.onError);
    await this.#beating;
    this.#isBeating = false;
    this.#nextAt = systemClock.monotonic() + this.#liveness.beatMs;
    this.#schedule();
  }

  async #beat(): Promise<void> {
    const { node, history, held, run, removeFiles, onCancel } = this.#parts;
    const text = this.#toAnnounce;
    const args = [node, text ?? '', this.#liveness.goneMs, history.maxJobs, finite(history.maxAgeMs)];
    const [count, cancels, files] = (await run('BEAT', args)) as [number, Buffer[][], Buffer[]];
    if (this.#toAnnounce === text) this.#toAnnounce = undefined;
    await removeFiles(files.map(String));
    for (const cancel of cancels) {
      const [plugin = '', id = '', error = ''] = cancel.map(String);
      onCancel(plugin, id, error);
    }
    if (count > held.size) await this.#setRight();
  }

  /** Gives back what Redis has as held by this program, which does not know of it: the answer that gave it was lost. */
  async #setRight(): Promise<void> {
    const { node, held, run } = this.#parts;
    let done = (): void => {};
    this.#settingRight = new Promise((resolve) => (done = resolve));
    try {
      if (this.#taking > 0) await new Promise<void>((resolve) => (this.#onTaken = resolve));
      await run('HOLD_ONLY', [node, ...held]);
    } finally {
      this.#onTaken = undefined;
      this.#settingRight = undefined;
      done();
    }
  }

  #scheduleLook(): void {
    if (this.#isStopped) return;
    // Not all at the same moment.
    const afterMs = this.#liveness.lookMs * (0.75 + Math.random() / 2);
    this.#lookTimer = systemClock.setTimeout(() => {
      this.#parts
        .look()
        .catch(this.#parts.onError)
        .finally(() => this.#scheduleLook());
    }, afterMs);
  }
}

/** Ages are whole numbers for Redis; no limit is one that no time exceeds. */
function finite(ms: number): number {
  return Math.min(Math.ceil(ms), Number.MAX_SAFE_INTEGER);
}
