import { expect, test } from 'vitest';
import { isShared } from '../../src/mcp/sharing.ts';

const changes = { name: 'write' };
const reads = { name: 'read', read_only: true };
const sets = { name: 'set', idempotent: true };

test.each([
  ['what the manifest says counts', 'all', 'legacy', [changes], true],
  ['what the manifest says counts', 'client', 'modern', [reads], false],
  ['a modern server is shared', undefined, 'modern', [changes], true],
  ['tools that change nothing are shared', undefined, 'legacy', [reads, sets], true],
  ['one tool that changes something is enough', undefined, 'legacy', [reads, changes], false],
  ['a server without tools is shared', undefined, undefined, [], true],
] as const)('%s: share %s, %s', (_, share, era, tools, shared) => {
  expect(isShared(share, era, tools)).toBe(shared);
});
