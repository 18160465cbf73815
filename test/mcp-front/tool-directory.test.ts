import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Manifest } from '../../src/manifest/schema.ts';
import type { JsonObject } from '../../src/mcp/json-rpc.ts';
import { ToolDirectory } from '../../src/mcp-front/tool-directory.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const tool = (name: string): JsonObject => ({ name, inputSchema: { type: 'object' } });

/** Plugins that a test makes up. */
function openDirectory(names: readonly string[]) {
  const manifestOf = (name: string) => ({ name }) as Manifest;
  const plugins = new Map<string, { manifest: Manifest; generation: number | undefined }>(
    names.map((name) => [name, { manifest: manifestOf(name), generation: 1 }]),
  );
  const lists = new Map<string, () => Promise<readonly JsonObject[]>>();
  const asked: string[] = [];
  const leftOut: string[] = [];
  const told = vi.fn();
  let change = (): void => {};
  const directory = new ToolDirectory(
    {
      callable: () => plugins.values(),
      onChange: (listener) => {
        change = listener;
        return () => {};
      },
    },
    {
      pluginOf: ({ name }) => ({
        name,
        listTools: async () => {
          asked.push(name);
          return (lists.get(name) ?? (async () => [tool(`${name}-tool`)]))();
        },
        callTool: async () => ({}),
      }),
      onLeftOut: (plugin) => void leftOut.push(plugin),
      onError: () => {},
      patienceMs: 100,
    },
  );
  const stop = directory.onChange(told);
  return {
    directory,
    plugins,
    lists,
    asked,
    leftOut,
    told,
    stop,
    manifestOf,
    /** Has the directory look at what a test has changed. */
    change: async () => {
      change();
      await vi.advanceTimersByTimeAsync(1_000);
    },
    names: async () => (await directory.all()).map(({ plugin, tools }) => [plugin.name, tools.map(({ name }) => name)]),
  };
}

/** A list that is answered when the test says so. */
function later() {
  let answer = (_tools: readonly JsonObject[]): void => {};
  const promise = new Promise<readonly JsonObject[]>((resolve) => (answer = resolve));
  return { list: () => promise, answer };
}

describe('the tools of all plugins', () => {
  test('are asked for once, and given by name of the plugin', async () => {
    const { asked, names } = openDirectory(['b', 'a']);
    const expected = [
      ['a', ['a-tool']],
      ['b', ['b-tool']],
    ];
    expect(await names()).toEqual(expected);
    expect(await names()).toEqual(expected);
    expect(asked).toEqual(['a', 'b']);
  });

  test('are those of plugins that are there now', async () => {
    const { plugins, names, change, told, manifestOf } = openDirectory(['a']);
    await names();
    plugins.set('b', { manifest: manifestOf('b'), generation: undefined });
    await change();
    expect(told).toHaveBeenCalledTimes(1);
    expect(await names()).toHaveLength(2);
    plugins.delete('a');
    await change();
    expect(told).toHaveBeenCalledTimes(2);
    expect(await names()).toEqual([['b', ['b-tool']]]);
  });

  test('are asked for again where a manifest has changed', async () => {
    const { plugins, lists, names, change, told, manifestOf } = openDirectory(['a']);
    await names();
    lists.set('a', async () => [tool('other')]);
    plugins.set('a', { manifest: manifestOf('a'), generation: 1 });
    await change();
    expect(told).toHaveBeenCalledTimes(1);
    expect(await names()).toEqual([['a', ['other']]]);
  });

  test('are told of after a new worker only where they are others', async () => {
    const { plugins, lists, asked, names, change, told } = openDirectory(['a']);
    await names();
    const restart = (): void => {
      const plugin = plugins.get('a');
      if (plugin !== undefined) plugin.generation = (plugin.generation ?? 0) + 1;
    };
    restart();
    await change();
    expect(asked).toHaveLength(2);
    expect(told).not.toHaveBeenCalled();
    lists.set('a', async () => [tool('other')]);
    restart();
    await change();
    expect(told).toHaveBeenCalledTimes(1);
    expect(await names()).toEqual([['a', ['other']]]);
    expect(asked).toHaveLength(3);
  });

  test('stay when a worker goes', async () => {
    const { plugins, asked, names, change, told } = openDirectory(['a']);
    await names();
    plugins.set('a', { manifest: plugins.get('a')?.manifest ?? ({} as Manifest), generation: undefined });
    await change();
    expect(await names()).toHaveLength(1);
    expect(asked).toHaveLength(1);
    expect(told).not.toHaveBeenCalled();
  });

  test('are not asked for while nobody would be told, and then at the next list', async () => {
    const { directory, lists, asked, names, stop } = openDirectory(['a']);
    await names();
    stop();
    lists.set('a', async () => [tool('other')]);
    directory.noteChanged('a');
    expect(asked).toHaveLength(1);
    expect(await names()).toEqual([['a', ['other']]]);
  });

  test('are waited for once where they take too long, keep no others from being asked, and are told of when they come', async () => {
    const slow = ['a', 'b', 'c', 'd'];
    const { lists, leftOut, names, told } = openDirectory([...slow, 'e']);
    const answers = slow.map((name) => {
      const { list, answer } = later();
      lists.set(name, list);
      return answer;
    });
    const first = names();
    await vi.advanceTimersByTimeAsync(100);
    await first;
    expect(leftOut).toEqual(expect.arrayContaining(slow));
    // No time passes.
    expect(await names()).toEqual([['e', ['e-tool']]]);
    answers[0]?.([tool('late')]);
    await vi.advanceTimersByTimeAsync(100);
    expect(told).toHaveBeenCalled();
    expect(await names()).toEqual([
      ['a', ['late']],
      ['e', ['e-tool']],
    ]);
  });

  test('are left out where a plugin fails to list them, which is asked again later', async () => {
    const { lists, asked, leftOut, names } = openDirectory(['a', 'b']);
    lists.set('a', async () => {
      throw new Error('no interpreter');
    });
    expect(await names()).toEqual([['b', ['b-tool']]]);
    expect(await names()).toHaveLength(1);
    expect(asked).toEqual(['a', 'b']);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await names()).toHaveLength(1);
    expect(asked).toEqual(['a', 'b', 'a']);
    lists.delete('a');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await names()).toHaveLength(2);
    // The reason was the same.
    expect(leftOut).toEqual(['a']);
  });

  test('do not wait for a plugin that takes long, and are told of when it has come', async () => {
    const { lists, names, told } = openDirectory(['a', 'b']);
    const slow = later();
    lists.set('a', slow.list);
    const first = names();
    await vi.advanceTimersByTimeAsync(100);
    expect(await first).toEqual([['b', ['b-tool']]]);
    expect(told).not.toHaveBeenCalled();
    slow.answer([tool('slow')]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(told).toHaveBeenCalledTimes(1);
    expect(await names()).toHaveLength(2);
  });

  test('are asked for of a few plugins at once', async () => {
    const { lists, asked, names } = openDirectory(['a', 'b', 'c', 'd', 'e', 'f']);
    const slow = later();
    for (const name of ['a', 'b', 'c', 'd']) lists.set(name, slow.list);
    const all = names();
    await vi.advanceTimersByTimeAsync(10);
    expect(asked).toEqual(['a', 'b', 'c', 'd']);
    slow.answer([]);
    expect((await all).map(([name]) => name)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  });
});
