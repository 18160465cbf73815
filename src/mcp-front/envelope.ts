import { isObject, type JsonObject, RPC_ERROR } from '../mcp/json-rpc.ts';
import { META, MODERN_REVISION } from '../mcp/revisions.ts';
import { RpcFailure } from '../mcp/rpc-failure.ts';
import { shortened } from '../text/shortened.ts';

/** How much of a revision that is none is said again, in characters. */
const MAX_SHOWN = 200;

/** What is said in `_meta` between a client and us. */
const OURS: ReadonlySet<string> = new Set(['progressToken', META.version, META.clientInfo]);

/** What a modern request says of its client in `_meta`, which `initialize` said before. */
export interface Envelope {
  readonly client: string;
}

/** Whether a message says its revision itself, which only modern ones do. */
export function isModern(params: JsonObject | undefined): boolean {
  return metaOf(params)[META.version] !== undefined;
}

/** Whether a revision is one without sessions, of those to come too: their names are dates. */
export function isModernRevision(revision: string | undefined): boolean {
  return revision !== undefined && /^\d{4}-\d\d-\d\d$/.test(revision) && revision >= MODERN_REVISION;
}

/**
 * Reads what a modern request has to say. Throws an `RpcFailure`: −32602 names what is missing or wrong, −32022 the
 * revisions that are spoken.
 */
export function readEnvelope(params: JsonObject | undefined): Envelope {
  const meta = metaOf(params);
  const { [META.version]: version, [META.clientCapabilities]: capabilities, [META.clientInfo]: info } = meta;
  const wrong =
    invalid(META.version, version, typeof version === 'string', 'a text such as "2026-07-28"') ??
    invalid(META.clientCapabilities, capabilities, isObject(capabilities), 'an object') ??
    (info === undefined ? undefined : invalid(META.clientInfo, info, isObject(info), 'an object'));
  if (wrong !== undefined) {
    const message = `Invalid "_meta" of the request: ${wrong}. Revision ${MODERN_REVISION} wants it in each request.`;
    throw new RpcFailure(RPC_ERROR.invalidParams, message);
  }
  if (version !== MODERN_REVISION) {
    const requested = shortened(String(version), MAX_SHOWN);
    const message = `Revision ${requested} is not supported. Ask by ${MODERN_REVISION}, or begin with "initialize".`;
    throw new RpcFailure(RPC_ERROR.unsupportedVersion, message, { supported: [MODERN_REVISION], requested });
  }
  return { client: clientText(info) };
}

/** A client as people are shown it. */
export function clientText(info: unknown): string {
  if (!isObject(info) || typeof info['name'] !== 'string') return 'an MCP client';
  return typeof info['version'] === 'string' ? `${info['name']} ${info['version']}` : info['name'];
}

/** The `_meta` of a message. */
export function metaOf(params: JsonObject | undefined): JsonObject {
  const meta = params?.['_meta'];
  return isObject(meta) ? meta : {};
}

/**
 * Parameters as they are passed on: what is between this client and us alone is left out. What a modern client can do,
 * and the level from which it is told of logs, goes on to modern servers, whose answers depend on both.
 */
export function passedOn(params: JsonObject): JsonObject {
  if (!isObject(params['_meta'])) return params;
  const { _meta, ...rest } = params;
  const others = Object.entries(params['_meta']).filter(([key]) => !OURS.has(key));
  return others.length === 0 ? rest : { ...rest, _meta: Object.fromEntries(others) };
}

function invalid(key: string, value: unknown, fits: boolean, expected: string): string | undefined {
  if (fits) return undefined;
  return value === undefined ? `"${key}" is missing` : `"${key}" must be ${expected}`;
}
