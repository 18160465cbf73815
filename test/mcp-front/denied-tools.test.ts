import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { eventuallyTrue } from '../eventually.ts';
import { CLIENTS, openMcp } from './opened.ts';

const SERVER = fileURLToPath(new URL('../fixtures/mcp/server.mjs', import.meta.url));
const server = { worker: 'mcp', command: process.execPath, args: [SERVER] } as const;

test.each([
  ['a server of MCP', server, 'env', 'version 2, modern', '/mcp', 'a__'],
  ['a server of MCP, at an address of its own,', server, 'env', 'version 1', '/mcp/a', ''],
  ['another plugin', { fixture: 'showcase' }, 'add', 'version 1', '/mcp', 'a__'],
] as const)(
  'clients are told when the manifest of %s leaves a tool out, and when it does no more',
  async (_of, manifest, tool, version, path, prefix) => {
    const { port, write } = await openMcp({ a: manifest }, { watch: true });
    const client = await CLIENTS[version](`http://127.0.0.1:${port}${path}`);
    const isListed = async (): Promise<boolean> =>
      (await client.listTools()).tools.some(({ name }) => name === `${prefix}${tool}`);
    expect(await isListed()).toBe(true);
    let told = vi.fn();
    const next = async (fields: object): Promise<void> => {
      told = vi.fn();
      client.onListChanged(told);
      write('a', { ...manifest, ...fields });
      await eventuallyTrue(() => told.mock.calls.length > 0);
    };
    await next({ deny_tools: [tool] });
    expect(await isListed()).toBe(false);
    await next({ allow_tools: [tool] });
    expect(await isListed()).toBe(true);
  },
);
