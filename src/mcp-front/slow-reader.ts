import {
  isNotification,
  isObject,
  type JsonObject,
  type JsonRpcMessage,
  type JsonRpcNotification,
  type RequestId,
} from '../mcp/json-rpc.ts';
import { META } from '../mcp/revisions.ts';
import { LOG_NOTICE } from './server-notices.ts';

/** How much a reader is behind, in bytes, when what it is told is no longer sent at once. */
const MAX_BEHIND = 1024 * 1024;
/** How many notifications are kept for a reader that is behind, the newest. */
const MAX_HELD = 1_000;
/** How long a reader that is behind may take nothing, in milliseconds. Then its connection is ended. */
export const UNREAD_MS = 5 * 60_000;

/** A connection on which messages go out. */
export interface ReaderEnd {
  /** How much of what was sent is not read yet, in bytes. */
  readonly behind: number;
  send(message: JsonRpcMessage): void;
  /** Calls back once when what was sent is read. */
  onDrained(listener: () => void): void;
  /** Ends the connection once its reader has taken nothing for so long, in milliseconds; 0: not any more. */
  endUnread(afterMs: number): void;
}

/**
 * What goes to one reader, which may be suspended: the daemon would keep all of it until its memory is full. Of one that is
 * behind, answers and questions are kept; of notifications that are about the same thing the newest, and of logs, of which
 * that of the plugin has all, how many there were.
 */
export class SlowReader {
  readonly #end: ReaderEnd;
  readonly #unreadMs: number;
  /** By what each is about. */
  readonly #held = new Map<string, { readonly message: JsonRpcNotification; readonly about: RequestId | undefined }>();
  #lastLog: JsonRpcNotification | undefined;
  #lostLogs = 0;
  #isWaiting = false;

  constructor(end: ReaderEnd, unreadMs = UNREAD_MS) {
    this.#end = end;
    this.#unreadMs = unreadMs;
  }

  /** Whether its reader is so far behind that it is to be asked nothing more. */
  get isBehind(): boolean {
    return this.#end.behind >= MAX_BEHIND;
  }

  /** @param about the request that the message tells of; its answer comes after it */
  send(message: JsonRpcMessage, about?: RequestId): void {
    if (isNotification(message) && (this.#isWaiting || this.isBehind)) return this.#hold(message, about);
    if ('method' in message) return this.#end.send(message);
    for (const [key, held] of this.#held) if (held.about !== undefined && held.about === message.id) this.#release(key);
    this.#end.send(message);
  }

  /** Sends what was held back. */
  flush(): void {
    for (const key of [...this.#held.keys()]) this.#release(key);
    if (this.#lastLog === undefined) return;
    const data = `${this.#lostLogs} messages were left out, as they were not read in time. The log of the plugin has them: greenroom logs NAME`;
    const { level } = this.#lastLog.params ?? {};
    this.#end.send({ jsonrpc: '2.0', method: LOG_NOTICE, params: { level, logger: 'greenroom', data } });
    this.#lastLog = undefined;
    this.#lostLogs = 0;
  }

  #hold(message: JsonRpcNotification, about: RequestId | undefined): void {
    if (message.method === LOG_NOTICE) {
      this.#lastLog = message;
      this.#lostLogs += 1;
    } else {
      const key = subjectOf(message);
      this.#held.delete(key);
      this.#held.set(key, { message, about });
      const [oldest] = this.#held.keys();
      if (this.#held.size > MAX_HELD && oldest !== undefined) this.#held.delete(oldest);
    }
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#end.endUnread(this.#unreadMs);
    this.#end.onDrained(() => {
      this.#isWaiting = false;
      this.#end.endUnread(0);
      this.flush();
    });
  }

  #release(key: string): void {
    const held = this.#held.get(key);
    this.#held.delete(key);
    if (held !== undefined) this.#end.send(held.message);
  }
}

/** What a notification is about: one with the same subject says all that those before it did. */
function subjectOf({ method, params = {} }: JsonRpcNotification): string {
  const { uri, taskId, elicitationId, requestId, progressToken, _meta } = params;
  const subscription = (isObject(_meta) ? _meta : ({} as JsonObject))[META.subscriptionId];
  const ids = [uri, taskId, elicitationId, requestId, progressToken, subscription];
  return JSON.stringify([method, ...ids.map((id) => (typeof id === 'bigint' ? String(id) : id))]);
}
