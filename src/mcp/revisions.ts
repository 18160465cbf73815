/** The first revision without sessions: every request says its version itself, and `server/discover` asks what there is. */
export const MODERN_REVISION = '2026-07-28';

/** The revisions that begin with `initialize`, the newest first. */
export const LEGACY_REVISIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;

/** How a peer speaks: with `initialize` and sessions (`legacy`), or without (`modern`). */
export type Era = 'legacy' | 'modern';

/** The keys of `_meta` in which a modern request says what `initialize` said before, and a result says who gave it. */
export const META = {
  version: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
} as const;

/** The key of `_meta` under which a list of tools names the plugins that are not in it as they are being installed. */
export const INSTALLING = 'io.github.greenroom/installing';

/**
 * The key in the `_meta` of a result, or the `data` of an error, of a request that a daemon which is ending has not begun, so
 * that it can be sent to the next one.
 */
export const NOT_BEGUN = 'io.github.greenroom/notBegun';

/** The revision that a server answers `initialize` with: the one that was asked for, or its newest. */
export function negotiated(asked: unknown): string {
  return LEGACY_REVISIONS.find((revision) => revision === asked) ?? LEGACY_REVISIONS[0];
}
