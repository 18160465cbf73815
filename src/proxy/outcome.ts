/**
 * What became of a forwarded exchange. `begun`: whether the client was sent something of an answer; where it was not,
 * the answer is the caller's to give.
 */
export type ForwardOutcome =
  /** The whole answer was handed on. For an upgrade that was accepted (status 101), both ends have closed. */
  | { readonly kind: 'done'; readonly status: number }
  /** The client closed its connection first. */
  | { readonly kind: 'clientGone' }
  /** The request must not be forwarded: answer 400. */
  | { readonly kind: 'badRequest'; readonly error: Error }
  /** No connection, no HTTP, or an end before the end: answer 502. */
  | { readonly kind: 'upstreamFailed'; readonly begun: boolean; readonly error: Error }
  /** For `limitMs` nothing was done at this side that should have: answer 504 for the server, 408 for the client. */
  | {
      readonly kind: 'stalled';
      readonly side: 'upstream' | 'client';
      readonly begun: boolean;
      /** `idleMs` or `clientIdleMs`. */
      readonly limitMs: number;
    }
  /** `signal` was aborted, or the body that was given failed. */
  | { readonly kind: 'aborted'; readonly begun: boolean; readonly error: unknown };
