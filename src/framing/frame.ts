/**
 * The frames of version 2 of the worker protocol, as both ends write and read them. The text for people is
 * `docs/worker-protocol.md`. Imports nothing but `node:` modules and `src/json`: the Node SDK shares this folder.
 */

/** What a frame is. From 16 on: of the worker. */
export const FRAME = {
  /** `{ token, shared }`: the first of a connection. */
  hello: 1,
  /** The body of a call, for one result. */
  execute: 2,
  /** The body of a call, for chunks. */
  stream: 3,
  /** Asks for the answer that `large` has announced. */
  fetch: 4,
  /** `{ nonce }`: the answer to `hello`. */
  welcome: 16,
  /** `{ progress, message }`. */
  progress: 17,
  /** A list of chunks. */
  chunks: 18,
  /** The result; the last of its call. */
  result: 19,
  /** No more chunks will come; the last of its call. */
  end: 20,
  /** An error; the last of its call. */
  error: 21,
  /** The last frame of a call is too long for a shared connection, and waits to be fetched. */
  large: 22,
} as const;

/** The length of a frame's head: type, call, and the lengths of its three parts, 32 bits each, the lowest byte first. */
export const HEAD_BYTES = 20;

/** A longer frame, its head not counted, has a connection of its own, so that no small call waits for it. */
export const MAX_SHARED_BYTES = 256 * 1024;

/** The longest text of a frame, in bytes. */
export const MAX_TEXT_BYTES = 256 * 1024 * 1024;

/** The longest list of places of a frame, in bytes. */
export const MAX_PLACES_BYTES = 16 * 1024 * 1024;

/** A frame as it was read. */
export interface Frame {
  readonly type: number;
  /** The call that it belongs to; 0: none. */
  readonly call: number;
  /** JSON, or empty. */
  readonly text: string;
  /** Where in it bytes belong, as JSON; empty: nowhere. */
  readonly places: string;
  /** The bytes, one after the other. Another frame may overwrite them, unless they are `owned`. */
  readonly bytes: Uint8Array;
  /** Whether nobody else uses the memory of the bytes. */
  readonly owned: boolean;
}
