import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/mcp/json-rpc.ts';
import type { OpenedMcp } from './opened.ts';
import { openMcp } from './opened.ts';

const SERVER = join(import.meta.dirname, '../fixtures/mcp/conformance/server.mjs');
const path = '/mcp/server';

/** The front with a server of the official SDK behind it, of both eras or with sessions alone. */
function openServer(...args: string[]): Promise<OpenedMcp> {
  return openMcp({ server: { worker: 'mcp', command: process.execPath, args: [SERVER, ...args] } });
}

/** The `_meta` of a client that can do this. */
function able(capabilities: JsonObject): JsonObject {
  return { 'io.modelcontextprotocol/clientCapabilities': capabilities };
}

describe('a modern server behind the front', () => {
  test('asks a modern client in its result, and gets the answer with the next request', async () => {
    const { modern } = await openServer();
    const call = { name: 'test_input_required_result_multi_round', _meta: able({ elicitation: {} }) };
    let { result } = (await modern('tools/call', call, { path })).value;
    const answers: JsonObject = { step1: { name: 'Ada' }, step2: { color: 'red' } };
    for (const [key, content] of Object.entries(answers)) {
      expect([result.resultType, Object.keys(result.inputRequests)]).toEqual(['input_required', [key]]);
      const inputResponses = { [key]: { action: 'accept', content } };
      const next = { ...call, inputResponses, requestState: result.requestState };
      result = (await modern('tools/call', next, { path })).value.result;
    }
    expect([result.resultType, result.content]).toEqual(['complete', [{ type: 'text', text: 'Ada likes red' }]]);
  });

  test.each([
    ['europe', 'europe', 200],
    ['wörld', `=?base64?${Buffer.from('wörld').toString('base64')}?=`, 200],
    ['europe', 'asia', 400],
    ['europe', '=?base64?ZXVyb3Bl=?=', 400],
    ['europe', '=?base64?/w==?=', 400],
    ['europe', undefined, 400],
    [undefined, 'asia', 200],
  ])('is called with %j where the header that its tool wants says %j, by status', async (region, header, status) => {
    const { modern } = await openServer();
    const headers = header === undefined ? {} : { 'mcp-param-region': header };
    const call = { name: 'test_x_mcp_header', arguments: { ...(region !== undefined && { region }), level: 3 } };
    const answer = await modern('tools/call', call, { path, headers });
    expect([answer.status, answer.value.error?.code]).toEqual([status, status === 400 ? -32020 : undefined]);
    const joined = await modern('tools/call', { ...call, name: 'server__test_x_mcp_header' }, { headers });
    expect(joined.status).toBe(status);
  });

  test('refuses with 400 what a client cannot answer', async () => {
    const { modern } = await openServer();
    const { status, value } = await modern('tools/call', { name: 'test_missing_capability' }, { path });
    expect([status, value.error.code]).toEqual([400, -32021]);
    expect(value.error.data.requiredCapabilities).toEqual({ sampling: {} });
  });

  test('refuses with 404 what it does not know', async () => {
    const { modern } = await openServer();
    const { status, value } = await modern('unknown/method', {}, { path });
    expect([status, value.error.code, value.id]).toEqual([404, -32601, 1]);
  });
});
