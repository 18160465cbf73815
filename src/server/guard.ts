import type { IncomingMessage } from 'node:http';
import type { Refusal } from './refusal.ts';

/** Which requests a listener lets in, before anybody looks for a route. */
export interface Door {
  /**
   * The values of `Host`, in lower case, that are answered: a page can make another name point here. Undefined on a
   * socket of the file system, which no page reaches.
   */
  readonly hosts: ReadonlySet<string> | undefined;
  /** The origins, beside our own, whose pages are answered. */
  readonly origins: ReadonlySet<string>;
}

/** More headers than this are refused; Node would drop those beyond its own limit without a word. */
export const MAX_HEADERS = 256;

/** Why a request is refused whatever it asks for; undefined where it is not. */
export function refusalOf(request: IncomingMessage, door: Door): Refusal | undefined {
  return unclearText(request) ?? strangerText(request, door);
}

/** The origin of another site whose pages are answered, where the request comes from one. */
export function allowedOrigin(request: IncomingMessage, door: Door): string | undefined {
  const [origin, ...others] = request.headersDistinct['origin'] ?? [];
  return origin !== undefined && others.length === 0 && door.origins.has(origin) ? origin : undefined;
}

/**
 * What two programs might read in two ways, of which one decides whether it may pass. Node's parser lets all of it
 * through.
 */
function unclearText({
  url = '',
  rawHeaders,
  headers,
  headersDistinct,
  httpVersion,
}: IncomingMessage): Refusal | undefined {
  const bad = (message: string): Refusal => ({ status: 400, message });
  if (!url.startsWith('/')) return bad('The target of a request must be a path, not a whole address.');
  const [path = ''] = url.split('?', 1);
  if (path.includes('//') || path.includes('\\') || hasDotSegment(path))
    return bad('The path must have no "//", "\\", "." or ".." in it.');
  if (url.includes('#')) return bad('The target of a request must have no "#"; write it as "%23".');
  if (rawHeaders.length >= 2 * MAX_HEADERS) return { status: 431, message: `Send fewer than ${MAX_HEADERS} headers.` };
  const hosts = headersDistinct['host']?.length ?? 0;
  if (hosts > 1) return bad('Send one Host header, not several.');
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || httpVersion === '1.0'))
    return bad('The only transfer coding that is read is "chunked", in HTTP/1.1.');
  if (upgrades(headers) && hasBody(headers))
    return bad('A request to upgrade must have no body. Have the client speak HTTP/1.1, without "Upgrade".');
  return undefined;
}

/** Without being named by `Connection`, the header asks for nothing. */
function upgrades({ upgrade, connection = '' }: IncomingMessage['headers']): boolean {
  return upgrade !== undefined && /(^|,)\s*upgrade\s*(,|$)/i.test(connection);
}

/** Whether a path has a segment that leads to another path, written as it is or with escapes. */
function hasDotSegment(path: string): boolean {
  if (!path.includes('.') && !/%2e/i.test(path)) return false;
  const plain = path.replaceAll(/%2e/gi, '.').replaceAll(/%2f|%5c/gi, '/');
  return plain.split('/').some((segment) => segment === '.' || segment === '..');
}

/** Whether a request brings a body, of no bytes at least. */
export function hasBody(headers: IncomingMessage['headers']): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function strangerText(request: IncomingMessage, door: Door): Refusal | undefined {
  const { headers, headersDistinct } = request;
  if (door.hosts === undefined) return undefined;
  const host = headersDistinct['host']?.join(', ').toLowerCase() ?? '';
  if (!door.hosts.has(host)) {
    const [known = ''] = door.hosts;
    return {
      status: 421,
      message: `This server answers to ${known}, not to ${host === '' ? 'no name' : `"${host}"`}.`,
    };
  }
  if (allowedOrigin(request, door) !== undefined) return undefined;
  const elsewhere: Refusal = { status: 403, message: 'Pages of other sites are not answered.' };
  const origin = headersDistinct['origin']?.join(', ');
  if (origin !== undefined && origin !== `http://${host}`) return elsewhere;
  // The other Sec-Fetch headers say nothing of where a request comes from, and Node's own fetch sends some.
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return elsewhere;
  return undefined;
}
