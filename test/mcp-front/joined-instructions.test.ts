import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { joinedInstructions } from '../../src/mcp-front/joined-instructions.ts';
import { CLIENTS, openMcp } from './opened.ts';

const SERVER = fileURLToPath(new URL('../fixtures/mcp/server.mjs', import.meta.url));
const server = { worker: 'mcp', command: process.execPath, args: [SERVER] };

describe('the instructions of several plugins', () => {
  test('have a heading each; a plugin that says nothing has none', () => {
    const all = [
      { plugin: 'a', text: ' First.\n' },
      { plugin: 'b', text: '' },
      { plugin: 'c', text: 'Third.' },
    ];
    expect(joinedInstructions('All of them.', all)).toBe('All of them.\n\n## a\nFirst.\n\n## c\nThird.');
    expect(joinedInstructions('All of them.', [])).toBe('All of them.');
  });

  test('are bounded together, and it is the long ones that are cut, to the same length', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 60 });
    fc.assert(
      fc.property(lengths, (all) => {
        const joined = joinedInstructions(
          '',
          all.map((length, at) => ({ plugin: `p${at}`, text: 'x'.repeat(length) })),
        );
        const shown = joined.split(/\n*## p\d+\n/).slice(1);
        expect(shown).toHaveLength(Math.min(all.length, 50));
        expect(shown.join('').length).toBeLessThanOrEqual(8_000);
        const cut = shown.filter((text) => text.endsWith('…')).map(({ length }) => length);
        expect(new Set(cut).size).toBeLessThanOrEqual(1);
        for (const [at, text] of shown.entries())
          if (!text.endsWith('…')) expect(text.length).toBe(all[at]);
          else expect(text.length).toBeLessThan(all[at] ?? 0);
        for (const { length } of shown)
          expect(length).toBeLessThanOrEqual(Math.max(...cut, ...(cut.length > 0 ? [] : all)));
      }),
    );
  });
});

test.each(['version 2, modern', 'version 1'] as const)(
  '%s is given those that are known at /mcp, and nothing is started for it',
  async (version) => {
    const { port, snapshot } = await openMcp({ native: { fixture: 'showcase' }, server });
    const instructionsAt = async (query = ''): Promise<string | undefined> =>
      (await CLIENTS[version](`http://127.0.0.1:${port}/mcp${query}`)).instructions();
    const native = '## native\nHas a tool for each thing that a tool can do';
    expect(await instructionsAt()).toMatch(new RegExp(`^The tools of several plugins[^\n]+\n\n${native}$`));
    expect(snapshot('server').generation).toBe(0);
    await (await CLIENTS[version](`http://127.0.0.1:${port}/mcp`)).listTools();
    expect(await instructionsAt()).toMatch(new RegExp(`\n\n${native}\n\n## server\nBe kind\\.$`));
    // A client does not read of what is hidden from it.
    expect(await instructionsAt('?allow=server__*')).toMatch(/^[^#]*## server\nBe kind\.$/);
    expect(await instructionsAt('?deny=server__*')).not.toContain('## server');
    expect(await instructionsAt('?compact=1')).toContain('## server\nBe kind.');
  },
);

test('those of a server that a supervisor before has listed are known without starting it', async () => {
  const { port, supervisor, dataDir, plugins } = await openMcp({ server });
  await (await CLIENTS['version 1'](`http://127.0.0.1:${port}/mcp`)).listTools();
  await supervisor.stop();
  const next = await openMcp({}, { dataDir, searchPaths: [plugins] });
  const client = await CLIENTS['version 1'](`http://127.0.0.1:${next.port}/mcp`);
  expect(client.instructions()).toContain('## server\nBe kind.');
  expect(next.snapshot('server').generation).toBe(0);
});
