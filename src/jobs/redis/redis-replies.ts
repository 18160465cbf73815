import { setTimeout } from 'node:timers/promises';
import type { Progress } from '../../calls/call-options.ts';
import { GreenroomError } from '../../errors.ts';
import { writeJson } from '../../json/exact-json.ts';
import { readJson } from '../../json/read-json.ts';
import type { Caller } from '../job-store.ts';
import type { Replies } from '../runner/replies.ts';
import { LinkScript, type RedisLink } from './redis-link.ts';
import { KEPT_MS, REPLY } from './scripts/replies.ts';

/** How much of a call waits for its caller at most, in chunks. */
const MOST_WAITING = 64;

/** How long a chunk may be, in bytes: what a Redis is for. */
const MAX_CHUNK = 1024 * 1024;

/** How often a caller says that what waits for it is still wanted, in milliseconds: what nobody wants is gone after a minute. */
const WANTED_MS = 20_000;

/** How long is waited for room, in milliseconds: at first, and at most. */
const ROOM_MS = { first: 10, most: 250 } as const;

/** What a call has said. */
export type Said =
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'chunk'; readonly packed: Buffer };

/** What one call says, to its caller. */
export interface SaidByCall {
  /** What has come since it was asked last; empty: nothing. */
  read(): Promise<readonly Said[]>;
  /** Resolves when there may be more, and after {@link wake}. */
  more(): Promise<void>;
  wake(): void;
  close(): void;
}

const script = new LinkScript(REPLY);

/** What calls say to callers in other programs: short lists in the Redis that they share, and word of what is new. */
export class RedisReplies implements Replies {
  readonly #link: RedisLink;
  readonly #node: string;
  /** Those that listen here, by the job. */
  readonly #listening = new Map<string, () => void>();
  /** How much of the progress of jobs that run here is on its way. */
  readonly #progressOf = new Map<string, number>();
  readonly #offs: (() => void)[] = [];

  private constructor(link: RedisLink, node: string) {
    this.#link = link;
    this.#node = node;
  }

  /** The replies of a program. Rejects with `E_JOB_STORE`. */
  static async open(link: RedisLink, node: string): Promise<RedisReplies> {
    const replies = new RedisReplies(link, node);
    replies.#offs.push(
      await link.subscribe(link.key('said', node), (job) => replies.#listening.get(job)?.()),
      // What was said of while there was no connection.
      link.onHealth(({ state }) => {
        if (state === 'connected') for (const wake of replies.#listening.values()) wake();
      }),
    );
    return replies;
  }

  /** The caller's name for {@link Caller}. */
  get node(): string {
    return this.#node;
  }

  progress(job: string, { node }: Caller, progress: Progress): void {
    const onTheWay = this.#progressOf.get(job) ?? 0;
    if (onTheWay >= MOST_WAITING) return;
    this.#progressOf.set(job, onTheWay + 1);
    this.#send(job, node, Buffer.from(`p${writeJson(progress, 'progress')}`))
      .catch(() => {})
      .finally(() => {
        const left = (this.#progressOf.get(job) ?? 1) - 1;
        if (left > 0) this.#progressOf.set(job, left);
        else this.#progressOf.delete(job);
      });
  }

  async chunk(job: string, { node }: Caller, chunk: Uint8Array, signal: AbortSignal): Promise<void> {
    if (chunk.byteLength > MAX_CHUNK) throw tooLong(chunk.byteLength);
    const entry = Buffer.concat([Buffer.from('c'), chunk]);
    for (let ms: number = ROOM_MS.first; ; ms = Math.min(ms * 2, ROOM_MS.most)) {
      signal.throwIfAborted();
      const answer = await this.#send(job, node, entry);
      if (answer === 'sent') return;
      if (answer === 'gone') throw new GreenroomError('E_CANCELLED', 'The program that made the call is gone.');
      // The next turn says why, where it ends early.
      await setTimeout(ms, undefined, { signal }).catch(() => {});
    }
  }

  async #send(job: string, node: string, entry: Buffer): Promise<string> {
    // Sent again it might come twice.
    return String(await this.#link.run(script, [this.#link.key(''), node, job, MOST_WAITING, entry], false));
  }

  /** Listens to the call of a job that this program has added, or is about to. */
  listen(job: string): SaidByCall {
    let mayHaveMore = true;
    let tell: () => void = () => {};
    const wake = (): void => {
      mayHaveMore = true;
      tell();
    };
    this.#listening.set(job, wake);
    // Its reader may be slow, and the call have ended.
    const keep = (): void => void this.#link.send(['PEXPIRE', this.#link.key('reply', job), KEPT_MS]).catch(() => {});
    const timer = setInterval(keep, WANTED_MS).unref();
    return {
      read: async () => {
        mayHaveMore = false;
        const [entries] = await this.#link.sendAllForBytes([['LPOP', this.#link.key('reply', job), MOST_WAITING]]);
        return ((entries ?? []) as Buffer[]).map(saidIn);
      },
      more: () =>
        new Promise<void>((resolve) => {
          tell = resolve;
          if (mayHaveMore) resolve();
        }),
      wake,
      close: () => {
        clearInterval(timer);
        this.#listening.delete(job);
        // A minute later it would be gone by itself.
        this.#link.send(['DEL', this.#link.key('reply', job)]).catch(() => {});
      },
    };
  }

  close(): void {
    for (const off of this.#offs) off();
  }
}

function saidIn(entry: Buffer): Said {
  const rest = entry.subarray(1);
  if (entry.subarray(0, 1).toString() === 'c') return { kind: 'chunk', packed: rest };
  return { kind: 'progress', progress: readJson(rest.toString()) as Progress };
}

function tooLong(length: number): GreenroomError {
  const mib = (length / 2 ** 20).toFixed(1);
  return new GreenroomError(
    'E_SERIALIZE',
    `A chunk of a stream through a fleet is ${mib} MiB long, and may have ${MAX_CHUNK / 2 ** 20} MiB. Stream smaller pieces.`,
  );
}
