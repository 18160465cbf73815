import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { corpusOf, ownCorpus } from '../../src/cli/demo/corpus.ts';
import { InstanceNumbers } from '../../src/cli/demo/instance-numbers.ts';
import { drawLanes, laneOf, type Moment, SIGNS } from '../../src/cli/demo/lanes.ts';
import { topicsOf } from '../../src/cli/demo/topics.ts';

describe('lanes', () => {
  const moments: Moment[] = [
    { lane: 'a', at: 200, shown: 'spawning' },
    { lane: 'a', at: 290, shown: 'ready' },
    { lane: 'b', at: 400, shown: 'spawning' },
    { lane: 'a', at: 520, shown: 'busy' },
    { lane: 'a', at: 610, shown: 'crashed' },
    { lane: 'a', at: 620, shown: 'spawning' },
    { lane: 'a', at: 630, shown: 'busy' },
    { lane: 'a', at: 850, shown: 'replaced' },
    { lane: 'a', at: 1000, shown: 'discovered' },
  ];
  const signs = (lane: readonly (keyof typeof SIGNS)[]): string => lane.map((shown) => SIGNS[shown]).join('');

  test('a column shows the rarest of what happened in it, and lasts what was last', () => {
    expect(signs(laneOf('a', moments, 1000, 10))).toBe('··▒──█✖█◆█');
    expect(signs(laneOf('b', moments, 1000, 10))).toBe('····▒▒▒▒▒▒');
    expect(signs(laneOf('c', moments, 1000, 4))).toBe('····');
  });

  test('all lanes begin in one column and end within the width, with seconds under them', () => {
    const lines = drawLanes(['a', 'long'], moments, 1000, 46, (_, text) => text);
    expect(lines.map((line) => line.length)).toEqual([46, 46, expect.any(Number)]);
    expect(lines[0]).toMatch(/^a {5}·+▒+─+█+✖▒█+◆█+$/);
    expect(lines[2]).toBe('      0 s     0.2 s   0.4 s   0.6 s   0.8 s');
  });
});

describe('instances', () => {
  test('have the lowest number that is free, by plugin, until their processes are gone', () => {
    const numbers = new InstanceNumbers();
    expect([5, 6, 7, 6].map((generation) => numbers.of('a', generation))).toEqual([1, 2, 3, 2]);
    numbers.free('a', 6);
    numbers.free('a', 4);
    expect([numbers.of('b', 6), numbers.of('a', 8), numbers.of('a', 5)]).toEqual([1, 2, 1]);
    expect([numbers.most('a'), numbers.most('b'), numbers.most('c')]).toEqual([3, 1, 0]);
  });
});

describe('topics', () => {
  test('are the words that some texts use often and most do not', () => {
    const texts = [
      'whales swim there, whales sing there; whales!',
      'a whale, whales and there a harpoon',
      'bread there is baked, bread!, with flour there',
      'bread rises there while others sleep',
      'there is nothing there',
    ];
    expect(topicsOf(texts, 2)).toEqual(['whales', 'bread']);
    expect(topicsOf(['nothing but one single text'], 1)).toEqual(['nothing']);
    expect(topicsOf([])).toEqual([]);
  });
});

describe('corpus', () => {
  let folder = '';

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gr-corpus-'));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function write(path: string, content: string | Buffer = `text of ${path}`): void {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }

  const LIMITS = { files: 100, bytes: 1e6, seen: 1000 };
  const shown = (files: readonly string[]): string[] => files.map((file) => relative(folder, file));

  test('of a folder are its texts, documents first, without what is hidden, binary, empty or installed', async () => {
    for (const path of ['b/notes.txt', 'a.csv', 'c.md', '.hidden.md', 'node_modules/x/readme.md']) write(path);
    write('empty.md', '');
    write('picture.png', Buffer.from([137, 0]));
    write('song.mp3', Buffer.from([1, 0]));
    symlinkSync(folder, join(folder, 'loop'));
    const corpus = await corpusOf(folder, LIMITS);
    expect(shown(corpus.files)).toEqual(['b/notes.txt', 'c.md', 'a.csv']);
    expect(corpus).toMatchObject({ root: folder, leftOut: 0, scanned: true, media: join(folder, 'song.mp3') });
  });

  test('of one file is this file', async () => {
    write('a.csv');
    const file = join(folder, 'a.csv');
    expect(await corpusOf(file, LIMITS)).toMatchObject({ root: folder, files: [file], bytes: 13 });
  });

  test('says what is beyond its limits', async () => {
    for (let index = 0; index < 9; index += 1) write(`${index}.md`, '0123456789');
    expect(await corpusOf(folder, { ...LIMITS, files: 4 })).toMatchObject({ bytes: 40, leftOut: 5, scanned: true });
    expect(await corpusOf(folder, { ...LIMITS, bytes: 35 })).toMatchObject({ bytes: 40, leftOut: 5 });
    expect(await corpusOf(folder, { ...LIMITS, seen: 6 })).toMatchObject({ bytes: 60, leftOut: 0, scanned: false });
  });

  test('where there is nothing to read it says so', async () => {
    await expect(corpusOf(folder, LIMITS)).rejects.toMatchObject({ code: 'E_OPTIONS' });
    await expect(corpusOf(join(folder, 'gone'), LIMITS)).rejects.toMatchObject({ code: 'E_OPTIONS' });
  });

  test('of a package are its own texts, then its dependencies, then what else is installed, in a clone', async () => {
    write('package.json', JSON.stringify({ dependencies: { zebra: '1' } }));
    for (const path of ['README.md', 'src/bat.ts', 'dist/bat.js', 'node_modules/ant/index.js']) write(path);
    write('node_modules/zebra/index.js');
    write('node_modules/@scope/bee/index.d.ts');
    write('node_modules/zebra/picture.svg');
    write('node_modules/.cache/note.md');
    const { files, root } = await ownCorpus(folder, LIMITS);
    expect(shown(files)).toEqual([
      'README.md',
      'src/bat.ts',
      'node_modules/zebra/index.js',
      'node_modules/@scope/bee/index.d.ts',
      'node_modules/ant/index.js',
    ]);
    expect(root).toBe(folder);
  });

  test('of an installed package are also the packages beside it, through links too', async () => {
    write('node_modules/greenroom/package.json', '{}');
    for (const path of ['node_modules/greenroom/README.md', 'node_modules/ant/index.js', 'store/bee/readme.md'])
      write(path);
    symlinkSync(join(folder, 'store/bee'), join(folder, 'node_modules/bee'));
    const { files, root } = await ownCorpus(join(folder, 'node_modules/greenroom'), LIMITS);
    expect(shown(files)).toEqual([
      'node_modules/greenroom/README.md',
      'store/bee/readme.md',
      'node_modules/ant/index.js',
    ]);
    expect(root).toBe(join(folder, 'node_modules'));
  });
});
