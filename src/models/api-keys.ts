import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** The headers that bring a key. They are taken off before a request is forwarded. */
export const KEY_HEADERS = ['authorization', 'x-api-key'] as const;

/**
 * Whether a request brings one of the keys: as `Authorization: Bearer`, as `x-api-key`, or as the password of
 * `Authorization: Basic`. The comparison takes equal time whichever key is given.
 */
export function bringsKey(headers: IncomingHttpHeaders, keys: readonly string[]): boolean {
  let isKnown = false;
  for (const given of keysIn(headers).map(digest))
    for (const key of keys) isKnown = timingSafeEqual(given, digest(key)) || isKnown;
  return isKnown;
}

function keysIn({ authorization = '', 'x-api-key': own }: IncomingHttpHeaders): string[] {
  const keys = typeof own === 'string' ? [own] : [];
  const [, scheme = '', value = ''] = /^(\w+)\s+(\S.*)$/.exec(authorization) ?? [];
  if (/^bearer$/i.test(scheme)) keys.push(value.trim());
  if (/^basic$/i.test(scheme)) {
    const pair = Buffer.from(value, 'base64').toString('utf8');
    keys.push(pair.slice(pair.indexOf(':') + 1));
  }
  return keys;
}

/** Of equal length whatever was given. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
