import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nativePlugin } from '../../src/mcp-front/native-plugin.ts';
import { eventuallyTrue } from '../eventually.ts';
import { openSupervisor } from '../runtime/greenroom.ts';

const TOOLS = [
  { name: 'read', input_schema: { type: 'object', properties: { path: { type: 'string' } } } },
  { name: 'lines', streams: true },
];

test('calls that come before a worker has said its tools are checked by them, and stream as they say', async () => {
  const opened = await openSupervisor({});
  const [door, journal] = ['door', 'journal'].map((name) => join(opened.scratch, name)) as [string, string];
  const env_vars = { TOOLS: JSON.stringify(TOOLS), TOOLS_DOOR: door, JOURNAL: journal };
  opened.write('toolbox', { fixture: 'toolbox', env_vars });
  await opened.supervisor.discover();
  await opened.supervisor.load('toolbox');
  const plugin = nativePlugin(opened.supervisor, { name: 'toolbox' });
  const call = (name: string, input: object) =>
    plugin.callTool({ name, arguments: input }, { signal: new AbortController().signal, client: 'a test' });
  const [fits, wrong, lines] = [call('read', { path: 'a' }), call('read', { path: 1 }), call('lines', {})];
  const outcome = Promise.allSettled([fits, wrong, lines]);
  await eventuallyTrue(() => existsSync(journal) && readFileSync(journal, 'utf8').includes('tools'));
  writeFileSync(door, '');
  await outcome;
  await expect(fits).resolves.toMatchObject({ structuredContent: { tool: 'read', kwargs: { path: 'a' } } });
  await expect(wrong).rejects.toMatchObject({ code: 'E_INPUT', message: expect.stringMatching(/path.*string/) });
  // The items of the stream, as one list.
  await expect(lines).resolves.toMatchObject({ content: [{ text: expect.stringMatching(/^\[\{"tool":"lines"/) }] });
});
