import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** 192 bits, in the letters of a URL. */
export function createToken(): string {
  return randomBytes(24).toString('base64url');
}

/** Why a request is not answered. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 405 | 421;
  readonly message: string;
}

/** What of the server decides who may ask it what. */
export interface Door {
  /** `127.0.0.1:PORT`, the only name that is answered to. */
  readonly host: string;
  readonly token: string;
  /** Whether plugins may be acted on. */
  readonly control: boolean;
}

/** The path of what acts. */
export const CONTROL_PATH = '/api/control';

/**
 * Why a request is refused; undefined where it is not. Another `Host` is a name that was made to point here, another
 * `Origin` a page from elsewhere; and data is given only with the token.
 */
export function refusalOf(request: IncomingMessage, path: string, door: Door): Refusal | undefined {
  const { method, headers, headersDistinct } = request;
  // More than one is joined, and so is not it.
  if (headersDistinct['host']?.join(', ') !== door.host) {
    return { status: 421, message: `This is ${door.host} and answers to no other name.` };
  }
  if (!path.startsWith('/')) return { status: 400, message: 'Only paths of this server can be asked for.' };
  const origin = headersDistinct['origin']?.join(', ');
  if (origin !== undefined && origin !== `http://${door.host}`) {
    return { status: 403, message: 'Pages from elsewhere are not answered.' };
  }
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return { status: 403, message: 'Pages from elsewhere are not answered.' };
  }
  const isControl = door.control && path === CONTROL_PATH;
  if (method !== (isControl ? 'POST' : 'GET')) {
    return { status: 405, message: isControl ? 'Only POST acts.' : 'Only GET is answered.' };
  }
  if (path.startsWith('/api/') && !isToken(headers.authorization, door.token)) {
    return {
      status: 401,
      message: 'Open the inspector by the whole address that the supervisor gave, with what follows the #.',
    };
  }
  return undefined;
}

function isToken(authorization: string | undefined, token: string): boolean {
  const given = /^Bearer ([\w-]+)$/.exec(authorization ?? '')?.[1];
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}

/** Of equal length whatever was given, so that comparing takes equal time. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
