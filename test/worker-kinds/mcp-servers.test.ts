import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { openSupervisor } from '../runtime/greenroom.ts';

const require = createRequire(import.meta.url);

/** A plugin that is an official server, as npm has it. */
function official(name: string, ...args: string[]) {
  const file = require.resolve(`@modelcontextprotocol/server-${name}/package.json`);
  const { bin } = require(file) as { bin: Record<string, string> };
  return {
    worker: 'mcp',
    command: process.execPath,
    args: [join(dirname(file), Object.values(bin)[0] ?? ''), ...args],
  };
}

test('the official server of everything is called, reports progress and sends a picture', async () => {
  const { supervisor } = await openSupervisor({ s: official('everything') });
  const names = (await supervisor.tools('s')).map(({ name }) => name);
  expect(names).toContain('echo');
  expect(await supervisor.execute('s', { message: 'hi' }, { tool: 'echo' })).toBe('Echo: hi');
  const steps: number[] = [];
  const onProgress = ({ progress }: { progress: number }): void => void steps.push(progress);
  await supervisor.execute('s', { duration: 0.2, steps: 4 }, { tool: 'trigger-long-running-operation', onProgress });
  expect(steps).toEqual([0.25, 0.5, 0.75, 1]);
  const picture = await supervisor.execute('s', {}, { tool: 'get-tiny-image' });
  expect(picture).toContainEqual(expect.objectContaining({ type: 'image', data: expect.any(Uint8Array) }));
});

test('the official servers of files, memory and thinking are called', async () => {
  const opened = await openSupervisor(({ scratch }) => ({
    files: official('filesystem', scratch),
    memory: { ...official('memory'), env_vars: { MEMORY_FILE_PATH: join(scratch, 'memory.json') } },
    thinking: official('sequential-thinking'),
  }));
  const { supervisor, scratch } = opened;
  writeFileSync(join(scratch, 'note.txt'), 'what it says');
  const read = { path: join(scratch, 'note.txt') };
  expect(await supervisor.execute('files', read, { tool: 'read_text_file' })).toEqual({ content: 'what it says' });
  const outside = supervisor.execute('files', { path: '/etc/hostname' }, { tool: 'read_text_file' });
  await expect(outside).rejects.toMatchObject({ code: 'E_REMOTE', remote: { type: 'ToolError' } });
  const entities = [{ name: 'Ada', entityType: 'person', observations: ['wrote a program'] }];
  await supervisor.execute('memory', { entities }, { tool: 'create_entities' });
  expect(await supervisor.execute('memory', {}, { tool: 'read_graph' })).toMatchObject({ entities });
  const thought = { thought: 'one', thoughtNumber: 1, totalThoughts: 1, nextThoughtNeeded: false };
  expect(await supervisor.execute('thinking', thought, { tool: 'sequentialthinking' })).toMatchObject({
    thoughtNumber: 1,
  });
});
