import type { Readable } from 'node:stream';
import type { Manifest } from '../manifest/schema.ts';

/** What is forwarded in place of what came; all of it as it came where nothing is said. */
export interface Rewritten {
  readonly body?: Uint8Array | Readable | undefined;
  /** How many bytes a stream has, where that is known. */
  readonly bodyLength?: number | undefined;
  /** The query, without the question mark. */
  readonly query?: string | undefined;
}

/** A request of which the model is known. */
export interface ModelRequest {
  readonly model: string;
  /** Whether it asks for its answer as a stream of events. */
  readonly stream: boolean;
  /** What to send to the server of a plugin: the same bytes, unless its manifest asks for changes. */
  rewrite(manifest: Manifest): Rewritten;
  /** Gives up what was kept of it. Idempotent. */
  discard(): Promise<void>;
}
