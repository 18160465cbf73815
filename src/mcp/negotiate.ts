import { setTimeout as delay } from 'node:timers/promises';
import type { ServerDescription } from './front-plugin.ts';
import { isObject, type JsonObject } from './json-rpc.ts';
import { type Era, LEGACY_REVISIONS, META, MODERN_REVISION } from './revisions.ts';
import { RpcFailure } from './rpc-failure.ts';
import type { RpcPeer } from './rpc-peer.ts';

/** How long a server may take to say whether it is modern, in milliseconds. */
const DISCOVER_MS = 2_000;

/** What was agreed on with a server. */
export interface Agreement {
  readonly era: Era;
  readonly revision: string;
  readonly description: ServerDescription;
}

/** The two sides do not understand each other; the message is a clause about the server. */
export class NoAgreement extends Error {
  override readonly name = 'NoAgreement';
}

/** What Greenroom says of itself to servers. */
export interface ClientFacts {
  readonly name: string;
  readonly version: string;
}

/** What every request to a modern server says in `_meta`. */
export function modernMeta(client: ClientFacts): JsonObject {
  return { [META.version]: MODERN_REVISION, [META.clientInfo]: client, [META.clientCapabilities]: {} };
}

/** What is said to a server when it is started. */
export interface Introduction {
  readonly client: ClientFacts;
  /** What a server with sessions may ask of its client. */
  readonly capabilities: JsonObject;
}

/**
 * Begins to talk to a server: asks it what it is, in the modern way, and begins the legacy session where it refuses that, or
 * says nothing for 2 s; the other way round where it is known to be a legacy one. Rejects with {@link NoAgreement}.
 */
export async function negotiate(
  peer: RpcPeer,
  introduction: Introduction,
  known: Era | undefined,
  signal: AbortSignal,
): Promise<Agreement> {
  const { client } = introduction;
  if (known !== 'legacy') return (await discover(peer, client, signal)) ?? initialize(peer, introduction, signal);
  try {
    return await initialize(peer, introduction, signal);
  } catch (error) {
    // What was known was a guess from its end, or it has been updated.
    const discovered = error instanceof NoAgreement ? await discover(peer, client, signal) : undefined;
    if (discovered !== undefined) return discovered;
    throw error;
  }
}

async function discover(peer: RpcPeer, client: ClientFacts, signal: AbortSignal): Promise<Agreement | undefined> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const late = delay(DISCOVER_MS, undefined, { signal: either, ref: false });
  try {
    const asked = peer.request('server/discover', { _meta: modernMeta(client) }, { signal: either });
    const result = await Promise.race([asked, late]);
    asked.catch(() => {});
    const { supportedVersions, capabilities } = result ?? {};
    if (!Array.isArray(supportedVersions) || !supportedVersions.includes(MODERN_REVISION)) return undefined;
    if (result === undefined || !isObject(capabilities)) return undefined;
    return { era: 'modern', revision: MODERN_REVISION, description: descriptionOf(result) };
  } catch (error) {
    if (error instanceof RpcFailure) return undefined;
    throw error;
  } finally {
    over.abort();
    late.catch(() => {});
  }
}

async function initialize(
  peer: RpcPeer,
  { client, capabilities }: Introduction,
  signal: AbortSignal,
): Promise<Agreement> {
  const params = { protocolVersion: LEGACY_REVISIONS[0], capabilities, clientInfo: client };
  const result = await peer.request('initialize', params, { signal }).catch((error: unknown) => {
    if (!(error instanceof RpcFailure)) throw error;
    throw new NoAgreement(`refused "initialize" with error ${error.code}: ${error.message}`, { cause: error });
  });
  const revision = LEGACY_REVISIONS.find((known) => known === result['protocolVersion']);
  if (revision === undefined) {
    const spoken = JSON.stringify(result['protocolVersion']);
    throw new NoAgreement(
      `speaks the revision ${spoken} of MCP, and Greenroom ${LEGACY_REVISIONS.join(', ')} and ${MODERN_REVISION}`,
    );
  }
  peer.notify('notifications/initialized', {});
  return { era: 'legacy', revision, description: descriptionOf(result) };
}

function descriptionOf({ _meta: meta, serverInfo, capabilities, instructions }: JsonObject): ServerDescription {
  // A modern server says with each result who it is.
  const info = isObject(meta) ? (meta[META.serverInfo] ?? serverInfo) : serverInfo;
  return {
    serverInfo: isObject(info) ? info : undefined,
    capabilities: isObject(capabilities) ? capabilities : {},
    instructions: typeof instructions === 'string' ? instructions : undefined,
  };
}
