import type { Tool } from '../protocol.ts';
import type { Era } from './revisions.ts';

/** Whether clients of MCP share the process of a server: all of them (`all`), or none with another (`client`). */
export type Share = 'all' | 'client';

/**
 * Whether clients share a server that does not say. They do where nothing that one of them does can be seen by another:
 * it is modern, which has no sessions, or no call of its tools changes anything, or more than the same call before.
 */
export function isShared(share: Share | undefined, era: Era | undefined, tools: readonly Tool[]): boolean {
  if (share !== undefined) return share === 'all';
  return era === 'modern' || tools.every(({ read_only, idempotent }) => read_only === true || idempotent === true);
}
