import { copyFileSync, existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../eventually.ts';
import { FIXTURES } from '../fixtures/plugins.ts';
import { all, door, failure, type ManifestOf, type OpenedSupervisor, openSupervisor } from './greenroom.ts';

const SAID = [{ name: 'execute' }, { name: 'read', read_only: true }, { name: 'write' }];

/** A supervisor of a toolbox, and what its workers were asked. */
async function openToolbox(
  manifest: ManifestOf = {},
  options: Parameters<typeof openSupervisor>[1] & object = {},
): Promise<OpenedSupervisor & { asked(): string[] }> {
  const opened = await openSupervisor({}, options);
  const journal = join(opened.scratch, 'journal');
  const { env_vars: given, ...rest } = manifest;
  const env_vars = { JOURNAL: journal, DOOR: join(opened.scratch, 'door'), ...(given as object | undefined) };
  opened.write('toolbox', { fixture: 'toolbox', ...rest, env_vars });
  await opened.supervisor.discover();
  const asked = (): string[] => (existsSync(journal) ? readFileSync(journal, 'utf8').split('\n').filter(Boolean) : []);
  return { ...opened, asked };
}

describe('the tools of a plugin', () => {
  it('are those that its worker says, which is asked once', async () => {
    const { supervisor, asked } = await openToolbox();
    const tools = await supervisor.tools('toolbox');
    expect(tools).toEqual(SAID);
    expect(() => Object.assign(tools[1] ?? {}, { name: 'x' })).toThrow(TypeError);
    expect(await supervisor.tools('toolbox')).toEqual(SAID);
    expect(asked()).toEqual(['tools']);
  });

  it('are not asked for when the plugin is loaded or called without one', async () => {
    const { supervisor, asked } = await openToolbox();
    await supervisor.load('toolbox');
    expect(await supervisor.execute('toolbox', { a: 1 })).toMatchObject({ kwargs: { a: 1 } });
    expect(asked()).toEqual(['/execute undefined']);
  });

  it('are known to a later supervisor without a worker, until the program or its version changes', async () => {
    const { dataDir, scratch, plugins, supervisor, write } = await openToolbox();
    const program = join(scratch, 'toolbox.mjs');
    copyFileSync(join(FIXTURES, 'toolbox', 'toolbox.mjs'), program);
    const manifest = { fixture: 'toolbox', args: [program] };
    write('toolbox', manifest);
    await supervisor.discover();
    await supervisor.tools('toolbox');
    await supervisor.stop();

    const again = await openSupervisor({}, { dataDir, searchPaths: [plugins] });
    expect(await again.supervisor.tools('toolbox')).toEqual(SAID);
    expect(again.snapshot('toolbox').generation).toBe(0);

    utimesSync(program, 1, 1);
    expect(await again.supervisor.tools('toolbox')).toEqual(SAID);
    expect(again.snapshot('toolbox').generation).toBe(1);
    await again.supervisor.unload('toolbox');
    await again.supervisor.tools('toolbox');
    expect(again.snapshot('toolbox').generation).toBe(1);

    write('toolbox', { ...manifest, version: '2.0.0' });
    await again.supervisor.discover();
    await again.supervisor.tools('toolbox');
    expect(again.snapshot('toolbox').generation).toBe(2);
  });

  it.each([
    ['', 'no JSON'],
    ['{"identity":5}', 'other JSON'],
    ['{"identity":"x","tools":[{"name":"a b"}]}', 'tools that are not valid'],
  ])('are asked for anew where the file that keeps them holds %j: %s', async (content) => {
    const { supervisor, dataDir, plugins } = await openToolbox();
    await supervisor.tools('toolbox');
    await supervisor.stop();
    const folder = join(dataDir, 'tools');
    const [file = ''] = readdirSync(folder);
    const kept = readFileSync(join(folder, file), 'utf8');
    expect(JSON.parse(kept)).toMatchObject({ tools: SAID });
    writeFileSync(join(folder, file), content);

    const again = await openSupervisor({}, { dataDir, searchPaths: [plugins] });
    expect(await again.supervisor.tools('toolbox')).toEqual(SAID);
    expect(again.snapshot('toolbox').generation).toBe(1);
    expect(readFileSync(join(folder, file), 'utf8')).toBe(kept);
  });

  it('are those of its manifest where it has some, without a worker, and completed once the worker has said its own', async () => {
    const tools = [
      { name: 'write', idempotent: true },
      { name: 'read', description: 'Reads', read_only: false },
    ];
    const { supervisor, snapshot, write } = await openToolbox({ tools });
    expect(await supervisor.tools('toolbox')).toEqual(tools);
    expect(snapshot('toolbox').generation).toBe(0);

    await supervisor.load('toolbox');
    const { pid } = snapshot('toolbox');
    write('toolbox', {
      fixture: 'toolbox',
      tools: [{ name: 'read', description: 'Reads a file' }],
      env_vars: envOf(supervisor),
    });
    await supervisor.discover();
    expect(await supervisor.tools('toolbox')).toEqual([{ name: 'read', description: 'Reads a file', read_only: true }]);
    expect(snapshot('toolbox').pid).toBe(pid);
  });

  it('are said beside a call that goes on', async () => {
    const opened = await openToolbox();
    const { supervisor } = opened;
    const call = supervisor.execute('toolbox', { waits: true });
    await opened.entered('toolbox', 'busy');
    expect(await supervisor.tools('toolbox')).toEqual(SAID);
    door(opened).open();
    expect(await call).toMatchObject({ kwargs: { waits: true } });
  });

  it.each([
    ['a program that does not say them', { fixture: 'bare' }, true],
    ['a worker of the older system', { worker: 'cjm', python_path: 'python3', module: 'older', class: 'Older' }, false],
  ])('are one of %s', async (_what, manifest, starts) => {
    const { supervisor, snapshot } = await openSupervisor({ plugin: manifest });
    expect(await supervisor.tools('plugin')).toEqual([{ name: 'execute', streams: true }]);
    expect(snapshot('plugin').generation > 0).toBe(starts);
  });

  it('are refused where what the worker says of them is not valid, which its calls do not suffer', async () => {
    const { supervisor } = await openToolbox({ env_vars: { TOOLS: '[{"name":"read"},{"name":"a b"}]' } });
    expect(await failure(supervisor.tools('toolbox'))).toMatchObject({
      code: 'E_PROTOCOL',
      message: expect.stringContaining('tools.1.name: expected 1 to 64 letters'),
    });
    expect(await supervisor.execute('toolbox', {}, { tool: 'read' })).toMatchObject({ tool: 'read' });
  });

  it('are not asked of a plugin that is to be loaded first', async () => {
    const { supervisor } = await openToolbox({}, { load: 'explicit' });
    expect(await failure(supervisor.tools('toolbox'))).toMatchObject({ code: 'E_NOT_LOADED' });
    expect(await failure(supervisor.tools('toolbx'))).toMatchObject({ code: 'E_UNKNOWN_PLUGIN' });
  });
});

describe('a call of a tool', () => {
  it('reaches it, as a call and as a stream', async () => {
    const { supervisor } = await openToolbox();
    expect(await supervisor.execute('toolbox', { a: 1 }, { tool: 'read' })).toMatchObject({
      tool: 'read',
      kwargs: { a: 1 },
    });
    expect(await all(supervisor.stream('toolbox', {}, { tool: 'write' }))).toMatchObject([{ tool: 'write' }]);
  });

  it('has the tool that its options named at the call', async () => {
    const { supervisor } = await openToolbox();
    const options = { tool: 'read' };
    const call = supervisor.execute('toolbox', {}, options);
    options.tool = 'write';
    expect(await call).toMatchObject({ tool: 'read' });
  });

  it.each([[5], [''], ['a b'], ['x'.repeat(129)]])('with the tool %j is E_OPTIONS', async (tool) => {
    const { supervisor } = await openToolbox();
    const wrong = { tool: tool as string };
    for (const call of [supervisor.execute('toolbox', {}, wrong), supervisor.stream('toolbox', {}, wrong).next()]) {
      expect(await failure(call)).toMatchObject({
        code: 'E_OPTIONS',
        message: expect.stringContaining('The option "tool" of a call to "toolbox" must be the name of a tool'),
      });
    }
  });

  it('that the manifest does not have is E_INPUT at once, with the nearest name and the list', async () => {
    const { supervisor, snapshot } = await openToolbox({ tools: [{ name: 'read' }, { name: 'write' }] });
    for (const call of [
      supervisor.execute('toolbox', {}, { tool: 'raed' }),
      supervisor.stream('toolbox', {}, { tool: 'raed' }).next(),
    ]) {
      expect(await failure(call)).toMatchObject({
        code: 'E_INPUT',
        plugin: 'toolbox',
        message: '"toolbox" has no tool "raed". Did you mean "read"? Its tools: read, write.',
        details: { tool: 'raed', tools: ['read', 'write'], nearest: 'read' },
      });
    }
    expect(snapshot('toolbox').generation).toBe(0);
  });

  it('that the worker does not have is E_INPUT, by its own word and then by its list', async () => {
    const { supervisor, asked } = await openToolbox();
    expect(await failure(supervisor.execute('toolbox', {}, { tool: 'raed' }))).toMatchObject({
      code: 'E_INPUT',
      message:
        'The call to "toolbox" was refused: There is no tool "raed"; the tools are execute, read, write. See tools("toolbox").',
      remote: { type: 'UnknownTool', category: 'input' },
      details: { tool: 'raed' },
    });
    await supervisor.tools('toolbox');
    const before = asked();
    expect(await failure(supervisor.execute('toolbox', {}, { tool: 'raed' }))).toMatchObject({
      code: 'E_INPUT',
      message: '"toolbox" has no tool "raed". Did you mean "read"? Its tools: execute, read, write.',
    });
    expect(asked()).toEqual(before);
  });

  it('of a worker without tools is E_INPUT, but for execute', async () => {
    const { supervisor } = await openSupervisor({ plugin: { fixture: 'bare' } });
    expect(await failure(supervisor.execute('plugin', {}, { tool: 'read' }))).toMatchObject({
      code: 'E_INPUT',
      message: '"plugin" has no tool "read". Its tools: execute.',
    });
    expect(await supervisor.execute('plugin', {}, { tool: 'execute' })).toHaveProperty('pid');
  });

  it('is sent again after a crash, with its tool, where the tool may be', async () => {
    const opened = await openToolbox();
    const { supervisor, asked } = opened;
    // The worker has said so before, and a supervisor may ask in vain as it dies.
    await supervisor.tools('toolbox');
    const crashes = (name: string): { crashes: string } => ({ crashes: join(opened.scratch, name) });
    expect(await supervisor.execute('toolbox', crashes('a'), { tool: 'read' })).toMatchObject({ tool: 'read' });
    expect(await failure(supervisor.execute('toolbox', crashes('b'), { tool: 'write' }))).toMatchObject({
      code: 'E_CRASHED',
    });
    expect(
      await failure(supervisor.execute('toolbox', crashes('c'), { tool: 'read', idempotent: false })),
    ).toMatchObject({
      code: 'E_CRASHED',
    });
    expect(asked().filter((line) => line === '/execute read')).toHaveLength(3);
  });

  it('is sent again or not as its manifest says, over what the plugin says of all its calls', async () => {
    const tools = [{ name: 'read', idempotent: false }, { name: 'write', idempotent: true }, { name: 'list' }];
    const opened = await openToolbox({
      tools,
      idempotent: true,
      env_vars: { TOOLS: JSON.stringify(tools.map(({ name }) => ({ name }))) },
    });
    const call = (tool: string): Promise<unknown> =>
      opened.supervisor.execute('toolbox', { crashes: join(opened.scratch, tool) }, { tool });
    expect(await failure(call('read'))).toMatchObject({ code: 'E_CRASHED' });
    expect(await call('write')).toMatchObject({ tool: 'write' });
    expect(await call('list')).toMatchObject({ tool: 'list' });
  });

  it('has the worker say its tools, once a worker', async () => {
    const { supervisor, asked, snapshot } = await openToolbox();
    await supervisor.execute('toolbox', {}, { tool: 'read' });
    await supervisor.execute('toolbox', {}, { tool: 'write' });
    await eventually(() => expect(asked().filter((line) => line === 'tools')).toHaveLength(1));
    await supervisor.reload('toolbox');
    await supervisor.execute('toolbox', {}, { tool: 'read' });
    await eventually(() => expect(asked().filter((line) => line === 'tools')).toHaveLength(2));
    expect(snapshot('toolbox').generation).toBe(2);
  });
});

function envOf(supervisor: OpenedSupervisor['supervisor']): unknown {
  return supervisor.plugin('toolbox').info.env_vars;
}
