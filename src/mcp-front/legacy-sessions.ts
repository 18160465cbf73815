import { createToken } from '../server/token.ts';
import type { FrontService } from './front-service.ts';
import { LegacySession } from './legacy-session.ts';
import { httpRefusal } from './rpc-refusal.ts';

/** How many sessions there may be at once. */
const MAX_SESSIONS = 64;
/** How long a session without an open request or stream is kept, in milliseconds. */
const IDLE_MS = 5 * 60_000;

/** How many sessions are kept, and for how long. */
export interface SessionLimits {
  /** Default 64. */
  readonly maxSessions?: number | undefined;
  /** Default 5 minutes. */
  readonly idleMs?: number | undefined;
  /** How long a client that a server waits for may have no connection open, in milliseconds. Default 10 s. */
  readonly absentMs?: number | undefined;
}

/** The sessions of legacy clients, by their ids. */
export class LegacySessions {
  readonly #sessions = new Map<string, LegacySession>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #maxSessions: number;
  readonly #idleMs: number;
  readonly #absentMs: number | undefined;
  readonly #onError: (error: unknown) => void;

  constructor(
    onError: (error: unknown) => void,
    { maxSessions = MAX_SESSIONS, idleMs = IDLE_MS, absentMs }: SessionLimits = {},
  ) {
    this.#absentMs = absentMs;
    this.#onError = onError;
    this.#maxSessions = maxSessions;
    this.#idleMs = idleMs;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Begins a session. Where there are as many as may be, the one that is idle longest ends; throws a refusal if none is. */
  begin(address: string, service: FrontService): LegacySession {
    if (this.#sessions.size >= this.#maxSessions) this.#endIdlest();
    const id = createToken();
    const place = { id, address, service, absentMs: this.#absentMs };
    const session = new LegacySession(place, () => this.#noteIdle(session), this.#onError);
    this.#sessions.set(id, session);
    return session;
  }

  /** The session of this id at this address; undefined where it has ended. */
  find(id: string, address: string): LegacySession | undefined {
    const session = this.#sessions.get(id);
    return session?.address === address ? session : undefined;
  }

  end(session: LegacySession): void {
    clearTimeout(this.#timers.get(session.id));
    this.#timers.delete(session.id);
    if (this.#sessions.delete(session.id)) session.end();
  }

  /** Ends the streams that would go on for ever. */
  finish(): void {
    for (const session of this.#sessions.values()) session.finish();
  }

  close(): void {
    for (const session of this.#sessions.values()) this.end(session);
  }

  #noteIdle(session: LegacySession): void {
    if (!this.#sessions.has(session.id)) return;
    // Its first request was refused.
    if (!session.isInitialized) return this.end(session);
    clearTimeout(this.#timers.get(session.id));
    const endIfIdle = (): void => {
      if (!session.isOpen) this.end(session);
    };
    this.#timers.set(session.id, setTimeout(endIfIdle, this.#idleMs).unref());
  }

  #endIdlest(): void {
    const idle = [...this.#sessions.values()].filter(({ isOpen }) => !isOpen);
    const [idlest] = idle.toSorted((a, b) => a.idleSince - b.idleSince);
    if (idlest !== undefined) return this.end(idlest);
    const message = `All ${this.#maxSessions} sessions of MCP are in use. Close a client, or have one use revision 2026-07-28, which needs no session.`;
    throw httpRefusal(503, message, { 'retry-after': '5' });
  }
}
