import { inspect } from 'node:util';
import { writeJson } from '../json/exact-json.ts';
import { byteLengthOf, type PlacedBytes, putBytes, writePlaces } from '../json/placed-bytes.ts';
import { readJson } from '../json/read-json.ts';
import type { WireError } from '../protocol.ts';
import type { PluginErrorCategory } from './plugin-error.ts';
import { shorten } from './shorten.ts';
import { textOf } from './text-of.ts';

const CATEGORIES: readonly PluginErrorCategory[] = ['input', 'transient', 'resource', 'fatal'];

/** System and library codes of failures that may pass. */
const TRANSIENT_CODES: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_SOCKET',
]);

/** Codes that say that there was too little of something. */
const RESOURCE_CODES: ReadonlySet<unknown> = new Set([
  'ENOSPC',
  'EDQUOT',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'ERR_WORKER_OUT_OF_MEMORY',
]);

/** How many causes below an error, or errors within one, are looked at and told. */
const MAX_CAUSES = 5;

/** The most characters of each part that are told: an error is read by people, and kept by everything that logs it. */
const MAX_TYPE = 256;
const MAX_MESSAGE = 16 * 1024;
const MAX_STACK = 64 * 1024;
const MAX_DETAILS = 1024 * 1024;

/**
 * Describes anything that was thrown, for the wire. Never throws, whatever its properties do. What is longer than anybody
 * reads is cut in its middle, and says so; details that are too long are left out with a word of that in their place.
 * Bytes stay in the details where `carriesBytes`; else details with bytes are told as text.
 */
export function describeError(thrown: unknown, carriesBytes = false): WireError {
  const causes = chainOf(thrown);
  const given = read(thrown, 'category');
  const category = CATEGORIES.find((known) => known === given) ?? categoryByCode(causes);
  const retryable = read(thrown, 'retryable');
  const details = plain(read(thrown, 'details'), carriesBytes);
  const stack = stackOf(causes);
  return {
    type: shorten(typeOf(thrown), MAX_TYPE),
    message: shorten(messageOf(thrown), MAX_MESSAGE),
    category,
    retryable: typeof retryable === 'boolean' ? retryable : category === 'transient',
    ...(details === undefined ? {} : { details }),
    ...(stack === '' ? {} : { stack }),
  };
}

function categoryByCode(causes: readonly unknown[]): PluginErrorCategory {
  for (const error of causes) {
    const code = read(error, 'code');
    if (TRANSIENT_CODES.has(code) || read(error, 'name') === 'TimeoutError') return 'transient';
    if (RESOURCE_CODES.has(code)) return 'resource';
  }
  return 'fatal';
}

/** The error and the causes below it. */
function chainOf(thrown: unknown): unknown[] {
  const chain = [thrown];
  for (
    let error = read(thrown, 'cause');
    error !== undefined && chain.length <= MAX_CAUSES;
    error = read(error, 'cause')
  ) {
    chain.push(error);
  }
  return chain;
}

function stackOf(causes: readonly unknown[]): string {
  return causes
    .map((error) => read(error, 'stack'))
    .filter((stack) => typeof stack === 'string')
    .map((stack) => shorten(stack, MAX_STACK))
    .join('\nCaused by: ');
}

/** Its message; of an error that has none, as that of a connection that was tried at several addresses, those within. */
function messageOf(thrown: unknown): string {
  const message = ownMessageOf(thrown);
  if (message !== '') return message;
  try {
    const errors: unknown = read(thrown, 'errors');
    return Array.isArray(errors) ? errors.slice(0, MAX_CAUSES).map(ownMessageOf).join('; ') : message;
  } catch {
    return message;
  }
}

function ownMessageOf(thrown: unknown): string {
  const message = read(thrown, 'message');
  return typeof message === 'string' ? message : (textOf(thrown) ?? 'Something that cannot be shown was thrown.');
}

/** The error's own name, else its class, else what was thrown instead of an error. */
function typeOf(thrown: unknown): string {
  if (!isObject(thrown)) return thrown === null ? 'null' : typeof thrown;
  const name = read(thrown, 'name');
  if (typeof name === 'string' && name !== '' && name !== 'Error') return name;
  const className = read(read(thrown, 'constructor'), 'name');
  return typeof className === 'string' && className !== '' ? className : 'Error';
}

/**
 * A copy of the details, with which nothing can go wrong any more, or a text where they would be changed: an error is
 * never lost for what is attached to it.
 */
function plain(details: unknown, carriesBytes: boolean): unknown {
  try {
    const placed: PlacedBytes[] = [];
    const text = writeJson(details, 'details', carriesBytes ? placed : undefined);
    if (text === undefined) return undefined;
    const length = text.length + byteLengthOf(placed);
    if (length > MAX_DETAILS) return `[details of ${length} characters left out]`;
    const copy = readJson(text);
    return placed.length === 0 ? copy : putBytes(copy, writePlaces(placed), joined(placed));
  } catch {
    return shown(details);
  }
}

function joined(placed: readonly PlacedBytes[]): Buffer {
  return Buffer.concat(placed.map(({ bytes }) => bytes));
}

function shown(value: unknown): string {
  try {
    return inspect(value, { depth: 5 });
  } catch {
    return 'details that cannot be shown';
  }
}

function read(value: unknown, key: string): unknown {
  try {
    return isObject(value) ? Reflect.get(value, key) : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
