import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { eventually } from '../eventually.ts';
import { openSupervisor } from './greenroom.ts';

const SERVER = fileURLToPath(new URL('../fixtures/mcp/server.mjs', import.meta.url));
const server = { worker: 'mcp', command: process.execPath, args: [SERVER] };

test('a tool that the manifest leaves out is neither listed nor called, and is again once it does not', async () => {
  const { supervisor, write, snapshot } = await openSupervisor(
    { a: { ...server, deny_tools: ['echo', 'add'] } },
    { watch: true },
  );
  const names = async (): Promise<string[]> => (await supervisor.tools('a')).map(({ name }) => name);
  const echo = () => supervisor.execute('a', { text: 'hi' }, { tool: 'echo' });
  expect(await names()).not.toContain('echo');
  expect(await names()).toContain('env');
  await expect(echo()).rejects.toMatchObject({ code: 'E_INPUT', message: expect.stringContaining('is not offered') });
  const asked = { signal: new AbortController().signal, client: 'test 1' };
  const passed = supervisor.mcpPlugin('a')?.callTool({ name: 'add' }, asked);
  await expect(passed).rejects.toMatchObject({ code: 'E_INPUT' });
  await supervisor.load('a');
  const { pid } = snapshot('a');
  write('a', { ...server, allow_tools: ['echo'] });
  await eventually(async () => expect(await names()).toEqual(['echo']));
  expect(await echo()).toBe('hi');
  expect(snapshot('a').pid).toBe(pid);
});
