import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { failure, type ManifestOf, openSupervisor } from './greenroom.ts';

const INPUT = {
  type: 'object',
  properties: { path: { type: 'string' }, lines: { type: 'integer', default: 10 } },
  required: ['path'],
  additionalProperties: false,
};

const TOOLS = [
  { name: 'execute' },
  { name: 'read', input_schema: INPUT, output_schema: { type: 'object', required: ['text'] } },
  { name: 'lines', streams: true, output_schema: { type: 'string' } },
];

async function openToolbox(manifest: ManifestOf = {}, options: Parameters<typeof openSupervisor>[1] & object = {}) {
  const opened = await openSupervisor({}, options);
  opened.write('toolbox', { fixture: 'toolbox', ...manifest });
  await opened.supervisor.discover();
  return opened;
}

test('an input that does not fit the schema of its tool is refused before it is sent, with every place', async () => {
  const { supervisor, snapshot } = await openToolbox({ tools: TOOLS });
  const error = await failure(supervisor.execute('toolbox', { pth: 'a', lines: 'ten' }, { tool: 'read' }));
  expect(error).toMatchObject({ code: 'E_INPUT', plugin: 'toolbox' });
  expect(error.code === 'E_INPUT' && error.details?.problems).toHaveLength(3);
  expect(error.message).toContain('"read"');
  expect(snapshot('toolbox').generation).toBe(0);
  const stream = supervisor.stream('toolbox', { lines: 1 }, { tool: 'read' });
  await expect(stream.next()).rejects.toMatchObject({ code: 'E_INPUT' });
});

test('an input is completed with the defaults of the schema, and stays as it is for its caller', async () => {
  const { supervisor } = await openToolbox({ tools: TOOLS });
  const input = Object.freeze({ path: 'a' });
  expect(await supervisor.execute('toolbox', input, { tool: 'read' })).toMatchObject({
    kwargs: { path: 'a', lines: 10 },
  });
  expect(input).toEqual({ path: 'a' });
});

test('with validate: false nothing is checked and nothing filled in', async () => {
  const { supervisor } = await openToolbox({ tools: TOOLS });
  const options = { tool: 'read', validate: false };
  expect(await supervisor.execute('toolbox', { pth: 1 }, options)).toMatchObject({ kwargs: { pth: 1 } });
});

test('the running worker says the schema, where the manifest says none', async () => {
  const { supervisor } = await openToolbox({ env_vars: { TOOLS: JSON.stringify(TOOLS) } });
  await supervisor.load('toolbox');
  await supervisor.tools('toolbox');
  await expect(supervisor.execute('toolbox', {}, { tool: 'read' })).rejects.toMatchObject({ code: 'E_INPUT' });
});

test('a plugin that declares no tools gets its calls as ever, whatever its worker says of execute', async () => {
  const said = [{ name: 'execute', input_schema: INPUT }];
  const { supervisor } = await openToolbox({ env_vars: { TOOLS: JSON.stringify(said) } });
  expect(await supervisor.tools('toolbox')).toEqual(said);
  expect(await supervisor.execute('toolbox', { any: 1 })).toMatchObject({ kwargs: { any: 1 } });
});

test('a result that does not fit fails the call with validate: "both", and else warns once', async () => {
  const lines: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line) => void lines.push(line) });
  const opened = await openToolbox({ tools: TOOLS, env_vars: { TOOLS: JSON.stringify(TOOLS) } }, { logger });
  const call = (options: object) => opened.supervisor.execute('toolbox', { path: 'a' }, { tool: 'read', ...options });
  for (let count = 0; count < 3; count += 1) await expect(call({})).resolves.toMatchObject({ tool: 'read' });
  expect(lines.filter((line) => line.includes('does not fit its output schema'))).toHaveLength(1);
  const error = await failure(call({ validate: 'both' }));
  expect(error).toMatchObject({
    code: 'E_REMOTE',
    remote: { type: 'ResultError', message: error.message, category: 'fatal', retryable: false },
    details: { problems: [{ path: 'result.text' }] },
  });
  await expect(
    opened.supervisor.stream('toolbox', {}, { tool: 'lines', validate: 'both' }).next(),
  ).rejects.toMatchObject({ code: 'E_REMOTE' });
  // Called the other way, its result is not a chunk.
  expect(await opened.supervisor.execute('toolbox', {}, { tool: 'lines', validate: 'both' })).toMatchObject({
    tool: 'lines',
  });
});

test('an option that no call has is refused, with the nearest that it has', async () => {
  const { supervisor } = await openToolbox();
  const options = { timeoutMS: 5 } as object;
  await expect(supervisor.execute('toolbox', {}, options)).rejects.toMatchObject({
    code: 'E_OPTIONS',
    message: 'The options of a call to "toolbox": unknown option "timeoutMS"; did you mean "timeoutMs"?',
  });
});

test('a Python class of which nothing can be called fails to start, with the reason why its tools do not count', async () => {
  const opened = await openSupervisor({});
  const module = join(opened.scratch, 'typo.py');
  writeFileSync(module, 'class Typo:\n    tools = ("raed",)\n\n    def read(self):\n        return 1\n');
  opened.write('typo', { fixture: 'workbench-python', module, class: 'Typo' });
  await opened.supervisor.discover();
  await expect(opened.supervisor.load('typo')).rejects.toMatchObject({
    code: 'E_START',
    message: expect.stringContaining(
      "the class Typo has no method 'execute' and no tools; its 'tools' are ignored: there is no method 'raed'",
    ),
  });
});

test('a call without a tool to a plugin that has only tools says to name one', async () => {
  const opened = await openSupervisor({});
  const module = join(opened.scratch, 'only.py');
  writeFileSync(module, 'class Only:\n    tools = ("read",)\n\n    def read(self):\n        return 1\n');
  opened.write('only', { fixture: 'workbench-python', module, class: 'Only' });
  await opened.supervisor.discover();
  expect(await opened.supervisor.execute('only', {}, { tool: 'read' })).toBe(1);
  await expect(opened.supervisor.execute('only', {})).rejects.toMatchObject({
    code: 'E_INPUT',
    message: expect.stringContaining('Name one of its tools with { tool }; tools("only") lists them.'),
    details: { tool: 'execute' },
  });
});
