import { expect, test } from 'vitest';
import { unknownToolText } from '../../src/mcp-front/unknown-tool.ts';
import { openSession } from './in-memory.ts';

const LONG = 'x'.repeat(100_000);

test('a long name of a tool that is not there is said again in part', () => {
  expect(unknownToolText(LONG, ['x'], 'Look.').length).toBeLessThan(400);
});

test.each([
  ['method', LONG, {}],
  ['revision', 'tools/list', { _meta: { 'io.modelcontextprotocol/protocolVersion': LONG } }],
])('a long %s that is none is said again in part', async (_what, method, params) => {
  const { askModern } = openSession();
  const { error } = await askModern(method, params);
  expect(JSON.stringify(error).length).toBeLessThan(1_000);
});
