import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Catalogue } from '../../src/manifest/catalogue.ts';
import type { ManifestEntry, ManifestReading } from '../../src/manifest/read.ts';

const PATHS = ['/local', '/global', '/system'] as const;

function entry(searchPath: string, file: string, name: string, fields: Record<string, unknown> = {}): ManifestEntry {
  const path = join(searchPath, file);
  const manifest = { name, worker: 'command', command: 'run', ...fields } as ManifestEntry['manifest'];
  return { manifest, file: path, folder: searchPath, searchPath, resolved: { command: 'run' } };
}

const valid = (given: ManifestEntry): ManifestReading => ({ entry: given, problems: [] });
const broken = (file: string): ManifestReading => ({ problems: [{ file, reason: 'is not JSON', severity: 'error' }] });

describe('the manifest in force', () => {
  it('is that of the earliest search path, and deleting it uncovers the next', () => {
    const catalogue = new Catalogue(PATHS);
    const [local, global] = [entry('/local', 'a.json', 'a'), entry('/global', 'a.json', 'a')];
    catalogue.note(global.file, valid(global));
    expect(catalogue.takeChanges()).toEqual([{ type: 'added', name: 'a', entry: global }]);
    catalogue.note(local.file, valid(local));
    expect(catalogue.takeChanges()).toMatchObject([{ type: 'changed', name: 'a', entry: local, previous: global }]);
    expect(catalogue.shadowed()).toEqual([{ entry: global, by: local }]);
    expect(catalogue.problems()).toEqual([]);
    catalogue.note(local.file, null);
    expect(catalogue.takeChanges()).toMatchObject([{ type: 'changed', name: 'a', entry: global, previous: local }]);
  });

  it('stays in force when its file becomes invalid, which is reported', () => {
    const catalogue = new Catalogue(PATHS);
    const good = entry('/local', 'a.json', 'a');
    catalogue.note(good.file, valid(good));
    catalogue.takeChanges();
    catalogue.note(good.file, broken(good.file));
    expect(catalogue.takeChanges()).toEqual([]);
    expect(catalogue.entries()).toEqual([good]);
    expect(catalogue.problems()).toMatchObject([{ file: good.file, reason: 'is not JSON' }]);
  });

  it('is removed with its file even if that was invalid last', () => {
    const catalogue = new Catalogue(PATHS);
    const good = entry('/local', 'a.json', 'a');
    catalogue.note(good.file, valid(good));
    catalogue.note(good.file, broken(good.file));
    catalogue.takeChanges();
    catalogue.note(good.file, null);
    expect(catalogue.takeChanges()).toEqual([{ type: 'removed', name: 'a', previous: good }]);
    expect(catalogue.problems()).toEqual([]);
  });

  it('follows a file that changes its name', () => {
    const catalogue = new Catalogue(PATHS);
    const [before, after] = [entry('/local', 'x.json', 'a'), entry('/local', 'x.json', 'b')];
    catalogue.note(before.file, valid(before));
    catalogue.takeChanges();
    catalogue.note(after.file, valid(after));
    expect(catalogue.takeChanges()).toEqual([
      { type: 'removed', name: 'a', previous: before },
      { type: 'added', name: 'b', entry: after },
    ]);
  });

  it('is the first by name of two in one search path that were found together, and the other is a problem', () => {
    const catalogue = new Catalogue(PATHS);
    const [first, second] = [entry('/local', '1.json', 'a'), entry('/local', '2.json', 'a')];
    catalogue.note(second.file, valid(second));
    catalogue.note(first.file, valid(first));
    expect(catalogue.takeChanges()).toEqual([{ type: 'added', name: 'a', entry: first }]);
    expect(catalogue.problems()).toMatchObject([{ file: second.file, field: 'name', severity: 'error' }]);
  });

  it('stays that of the file it is of when another of its search path takes its name, whatever that is called', () => {
    const catalogue = new Catalogue(PATHS);
    const own = entry('/local', 'voice.json', 'voice');
    catalogue.note(own.file, valid(own));
    catalogue.takeChanges();
    const copies = ['a-voice.json', 'zz-voice.json'].map((file) => entry('/local', file, 'voice'));
    for (const copy of copies) catalogue.note(copy.file, valid(copy));
    expect(catalogue.takeChanges()).toEqual([]);
    const edited = entry('/local', 'voice.json', 'voice', { version: '2' });
    catalogue.note(edited.file, valid(edited));
    expect(catalogue.takeChanges()).toMatchObject([{ type: 'changed', entry: edited, previous: own }]);
    expect(catalogue.problems()).toHaveLength(2);
  });

  it('is that of the folder or file that bears its name, of two in one search path that were found together', () => {
    const catalogue = new Catalogue(PATHS);
    // A file system may hand out the parts of a letter one by one.
    const own = { ...entry('/local', 'caf\u0065\u0301/manifest.json', 'caf\u00e9'), folder: '/local/caf\u0065\u0301' };
    const copy = { ...entry('/local', 'a/manifest.json', 'caf\u00e9'), folder: '/local/a' };
    catalogue.note(copy.file, valid(copy));
    catalogue.note(own.file, valid(own));
    expect(catalogue.takeChanges()).toMatchObject([{ type: 'added', entry: own }]);
  });

  it('compares the names of folders, not of paths, of which the separator is a part', () => {
    const catalogue = new Catalogue(PATHS);
    const [long, short] = ['x.y', 'x'].map((folder) => entry('/local', `${folder}/manifest.json`, 'a'));
    if (long === undefined || short === undefined) throw new Error('There are two.');
    catalogue.note(long.file, valid(long));
    catalogue.note(short.file, valid(short));
    expect(catalogue.takeChanges()).toMatchObject([{ type: 'added', entry: short }]);
  });

  it('is always one of the earliest search path that has the name, and the same one for as long as it is there', () => {
    const step = fc.record({
      path: fc.constantFrom(...PATHS),
      file: fc.constantFrom('1.json', '2.json', 'a.json'),
      what: fc.oneof(
        fc.constantFrom('delete', 'break'),
        fc.record({ name: fc.constantFrom('a', 'b', 'c'), version: fc.constantFrom('1', '2') }),
      ),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const catalogue = new Catalogue(PATHS);
        const disk = new Map<string, ManifestEntry>();
        const seen = new Map<string, ManifestEntry>();
        for (const { path, file, what } of steps) {
          const full = join(path, file);
          if (what === 'delete') {
            disk.delete(full);
            catalogue.note(full, null);
          } else if (what === 'break') {
            catalogue.note(full, broken(full));
          } else {
            const next = entry(path, file, what.name, { version: what.version });
            disk.set(full, next);
            catalogue.note(full, valid(next));
          }
          const former = new Map(seen);
          for (const change of catalogue.takeChanges()) {
            expect(seen.has(change.name)).toBe(change.type !== 'added');
            if (change.type === 'removed') seen.delete(change.name);
            else seen.set(change.name, change.entry);
          }
          const shown = (entries: Iterable<ManifestEntry>): string[] =>
            [...entries].map((each) => `${each.manifest.name} ${each.file} ${each.manifest.version}`).toSorted();
          const expected = ['a', 'b', 'c'].flatMap((name) => {
            const all = [...disk.values()].filter(({ manifest }) => manifest.name === name);
            const first = PATHS.find((candidate) => all.some(({ searchPath }) => searchPath === candidate));
            const best = all.filter(({ searchPath }) => searchPath === first);
            const stays = best.find((candidate) => candidate.file === former.get(name)?.file);
            const own = best.find((candidate) => candidate.file.endsWith(`/${name}.json`));
            return stays ?? own ?? best.toSorted((x, y) => (x.file < y.file ? -1 : 1))[0] ?? [];
          });
          expect(shown(catalogue.entries())).toEqual(shown(expected));
          expect(shown(seen.values())).toEqual(shown(expected));
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a change', () => {
  const consequences = (before: Record<string, unknown>, after: Record<string, unknown>): unknown => {
    const catalogue = new Catalogue(PATHS);
    const file = '/local/a.json';
    catalogue.note(file, valid(entry('/local', 'a.json', 'a', before)));
    catalogue.takeChanges();
    catalogue.note(file, valid(entry('/local', 'a.json', 'a', after)));
    const [change] = catalogue.takeChanges();
    return change?.type === 'changed' ? change.consequences : undefined;
  };

  it.each([
    ['nothing', {}, {}, undefined],
    ['the description', { description: 'x' }, { description: 'y' }, ['info']],
    ['a key nobody knows', {}, { color: 'red' }, ['info']],
    ['the tools', { tools: [{ name: 'a' }] }, { tools: [{ name: 'b' }] }, ['info']],
    ['the defaults of the config', {}, { config_schema: { default: {} } }, ['config']],
    ['the resources', { resources: { min_system_ram_mb: 1 } }, { resources: { min_system_ram_mb: 2 } }, ['resources']],
    ['the instances', { instances: 2 }, { instances: { max: 4 } }, ['policy']],
    ['a timeout', {}, { drain_timeout_ms: 5 }, ['policy']],
    ['the environment', { env_vars: { A: '1' } }, { env_vars: { A: '2' } }, ['replace']],
    ['the arguments and the version', { version: '1' }, { version: '2', args: ['x'] }, ['info', 'replace']],
  ])('of %s has its smallest consequence', (_what, before, after, expected) => {
    expect(consequences(before, after)).toEqual(expected);
  });
});
