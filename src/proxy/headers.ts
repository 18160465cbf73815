import type { IncomingMessage } from 'node:http';

/** What is changed in the headers of a request before it is forwarded. Names are lower case. */
export interface HeaderChanges {
  /** Taken off, such as `authorization`. */
  readonly drop?: readonly string[] | undefined;
  /** Put in place of those that came. */
  readonly set?: Readonly<Record<string, string>> | undefined;
}

/** Names and values in turns, as they came: twice the same name is two headers. */
export type RawHeaders = readonly string[];

/** Those of one connection, not of the message (RFC 9110, 7.6.1); the proxy sets its own. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Those of a request that are this side's to say. */
const OWN: ReadonlySet<string> = new Set(['host', 'content-length', 'expect']);

const FORWARDED: ReadonlySet<string> = new Set(['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto']);

/** Those that no trailer may be: they say how the message is framed and routed (RFC 9110, 6.5.1). */
const NO_TRAILER: ReadonlySet<string> = new Set([
  'content-length',
  'host',
  'content-encoding',
  'content-type',
  'set-cookie',
]);

/**
 * The headers to forward a request with: in their order, without those of the connection, and with `X-Forwarded-For`,
 * `-Host` and `-Proto` after what came in them. Without `Host`, `Content-Length` and `Expect`. The headers of the upstream
 * count before any others.
 */
export function requestHeaders(
  request: IncomingMessage,
  { drop = [], set: given }: HeaderChanges = {},
  ofUpstream: Readonly<Record<string, string>> = {},
): string[] {
  const set = { ...given, ...ofUpstream };
  const named = namedIn(request.headers.connection);
  const headers: string[] = [];
  const raw = request.rawHeaders;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const key = name.toLowerCase();
    if (isHopByHop(key) || OWN.has(key) || FORWARDED.has(key)) continue;
    if (named?.has(key) === true || drop.includes(key) || Object.hasOwn(set, key)) continue;
    headers.push(name, raw[index + 1] ?? '');
  }
  const { remoteAddress } = request.socket;
  const proto = 'encrypted' in request.socket ? 'https' : 'http';
  for (const [name, value] of [
    ['x-forwarded-for', remoteAddress?.replace(/^::ffff:/, '')],
    ['x-forwarded-host', request.headers.host],
    ['x-forwarded-proto', proto],
  ] as const) {
    if (drop.includes(name) || Object.hasOwn(set, name)) continue;
    const before = request.headers[name];
    const whole = [before, value].filter((part) => part !== undefined && part !== '').join(', ');
    if (whole !== '') headers.push(name, whole);
  }
  for (const [name, value] of Object.entries(set)) headers.push(name, value);
  return headers;
}

/** What an answer's headers say about its body. */
export interface AnswerHead {
  /** To pass on: in their order, without those of the connection. */
  readonly headers: string[];
  /** The transfer codings, in lower case; undefined for none. */
  readonly codings: string | undefined;
  /** Whether a `Content-Length` is among them. */
  readonly sized: boolean;
  /** The `Trailer` header, which can be passed on only where the client is sent chunks. */
  readonly trailer: string | undefined;
}

/** Reads the raw headers of an answer, without those that are dropped; names in lower case. */
export function answerHead(raw: readonly (Buffer | string)[], dropped: readonly string[] = []): AnswerHead {
  const headers: string[] = [];
  let [connection, codings, trailer]: (string | undefined)[] = [];
  let sized = false;
  for (let index = 0; index < raw.length; index += 2) {
    const name = textOf(raw[index]);
    const value = textOf(raw[index + 1]);
    const key = name.toLowerCase();
    if (key === 'connection') connection = joined(connection, value);
    else if (key === 'transfer-encoding') codings = joined(codings, value.toLowerCase());
    else if (key === 'trailer') trailer = joined(trailer, value);
    else if (!isHopByHop(key) && !dropped.includes(key)) {
      sized ||= key === 'content-length';
      headers.push(name, value);
    }
  }
  const named = namedIn(connection);
  return {
    headers: named === undefined ? headers : without(headers, (key) => named.has(key)),
    codings,
    sized,
    trailer,
  };
}

/** The trailers to pass on, as pairs. */
export function trailersOf(raw: readonly (Buffer | string)[]): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = textOf(raw[index]);
    const key = name.toLowerCase();
    if (!isHopByHop(key) && !NO_TRAILER.has(key)) pairs.push([name, textOf(raw[index + 1])]);
  }
  return pairs;
}

/** Raw headers without those whose name, in lower case, is dropped. */
export function without(raw: RawHeaders, dropped: (key: string) => boolean): string[] {
  return raw.filter((_, index) => !dropped((raw[index - (index % 2)] ?? '').toLowerCase()));
}

function isHopByHop(key: string): boolean {
  return HOP_BY_HOP.has(key) || key.startsWith('proxy-');
}

/** Which further headers `Connection` names; undefined where it names none. Framing is not a sender's to take off. */
function namedIn(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || /^(keep-alive|close|upgrade)$/i.test(connection)) return undefined;
  const names = connection.toLowerCase().split(',');
  return new Set(names.map((name) => name.trim()).filter((name) => name !== 'content-length'));
}

function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}

/** Headers are bytes; as Latin-1 each byte is one character, and goes out as it came. */
function textOf(part: Buffer | string | undefined): string {
  return typeof part === 'string' ? part : (part?.toString('latin1') ?? '');
}
