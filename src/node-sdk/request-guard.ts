import type { IncomingMessage } from 'node:http';

/** Why a request is refused. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly message: string;
}

/** Decides whether a request comes from the host; `undefined` means that it does. */
export type RequestGuard = (request: IncomingMessage) => Refusal | undefined;

/**
 * Lets through what carries the token. `host` is the exact `Host` asked for on TCP, where any web page could otherwise
 * reach the port; `undefined` on a Unix socket.
 */
export function createRequestGuard(token: string, host: string | undefined): RequestGuard {
  const expected = `Bearer ${token}`;
  return ({ headers }) => {
    if (host !== undefined) {
      if (headers.host !== host) return { status: 403, message: `The Host header must be ${host}.` };
      for (const name of Object.keys(headers)) {
        if (name === 'origin' || name.startsWith('sec-fetch-')) {
          return { status: 403, message: 'Requests of web pages are refused.' };
        }
      }
    }
    if (!isSameText(headers.authorization ?? '', expected)) {
      return { status: 401, message: 'The bearer token is missing or wrong.' };
    }
    return undefined;
  };
}

/** Compares in a time that depends on the length only. By hand, because loading `node:crypto` would slow every start. */
export function isSameText(given: string, expected: string): boolean {
  let difference = given.length ^ expected.length;
  for (let index = 0; index < expected.length; index += 1) {
    difference |= given.charCodeAt(index) ^ expected.charCodeAt(index);
  }
  return difference === 0;
}
