import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A new token: 192 bits, in the letters of a URL. */
export function createToken(): string {
  return randomBytes(24).toString('base64url');
}

/** Whether an `Authorization` header brings this token. The comparison takes equal time whatever is given. */
export function bringsToken(authorization: string | undefined, token: string): boolean {
  const given = /^Bearer ([\w-]+)$/i.exec(authorization ?? '')?.[1];
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}

/** Of equal length whatever was given. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
