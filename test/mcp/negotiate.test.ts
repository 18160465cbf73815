import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { NoAgreement, negotiate } from '../../src/mcp/negotiate.ts';
import type { Era } from '../../src/mcp/revisions.ts';
import { RpcPeer } from '../../src/mcp/rpc-peer.ts';

type Answer = { result?: object; error?: { code: number; message: string } };

const client = { name: 'test', version: '1' };
const REFUSED: Answer = { error: { code: -32601, message: 'Method not found' } };

/** Negotiates with a server that answers like this; what it was asked is told too. */
async function agree(answers: Record<string, Answer>, known?: Era) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const asked: string[] = [];
  createInterface({ input }).on('line', (line) => {
    const { id, method } = JSON.parse(line) as { id?: number; method: string };
    asked.push(method);
    const answer = answers[method];
    if (id !== undefined && answer !== undefined)
      output.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...answer })}\n`);
  });
  const ignore = (): void => {};
  const peer = new RpcPeer(
    { input, output },
    { onNotification: ignore, onRequest: () => ({}), onNoise: ignore, onEnd: ignore },
  );
  const agreement = negotiate(peer, { client, capabilities: { roots: {} } }, known, new AbortController().signal);
  return { agreement, asked };
}

const MODERN = { result: { supportedVersions: ['2026-07-28'], capabilities: {}, instructions: 'kind' } };
const LEGACY = { result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 's' } } };

test('a server that answers the modern question is a modern one, and begins no session', async () => {
  const { agreement, asked } = await agree({ 'server/discover': MODERN });
  expect(await agreement).toMatchObject({ era: 'modern', description: { instructions: 'kind' } });
  expect(asked).toEqual(['server/discover']);
});

test.each([
  ['refuses the modern question', { 'server/discover': REFUSED }],
  [
    'knows only later revisions',
    { 'server/discover': { result: { supportedVersions: ['2031-01-01'], capabilities: {} } } },
  ],
])('a server that %s is a legacy one', async (_, answers) => {
  const { agreement, asked } = await agree({ ...answers, initialize: LEGACY });
  expect(await agreement).toMatchObject({ era: 'legacy', revision: '2025-06-18' });
  expect(asked).toEqual(['server/discover', 'initialize', 'notifications/initialized']);
});

test('one that is known to be a legacy one is not asked, and one that is not any more is found out about', async () => {
  const known = await agree({ initialize: LEGACY }, 'legacy');
  await known.agreement;
  expect(known.asked).toEqual(['initialize', 'notifications/initialized']);
  const updated = await agree({ initialize: REFUSED, 'server/discover': MODERN }, 'legacy');
  expect(await updated.agreement).toMatchObject({ era: 'modern' });
});

test('a server that refuses both is not agreed with', async () => {
  const { agreement } = await agree({ 'server/discover': REFUSED, initialize: REFUSED });
  await expect(agreement).rejects.toThrow(NoAgreement);
});
