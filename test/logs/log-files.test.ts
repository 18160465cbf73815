import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogFiles, type PlacedRecord } from '../../src/logs/log-files.ts';

const START = Date.parse('2026-01-02T03:04:05.000Z');

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gr-log-files-'));
  file = join(folder, 'p.log');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const recordAt = (at: number, msg: string): string =>
  JSON.stringify({ level: 30, time: new Date(at).toISOString(), plugin: 'p', stream: 'stdout', generation: 1, msg });

/** A log of four files, the oldest first: lines of very different lengths, several of them at the same time. */
function writeLog(): { readonly at: number; readonly record: string }[] {
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const lines: { at: number; record: string }[] = [];
  let at = START;
  for (const [index, name] of [`${file}.3`, `${file}.2`, `${file}.1`, file].entries()) {
    const own = [];
    for (let n = 0; n < 900; n += 1) {
      at += [0, 0, 1, 40, 5_000][random(5)] as number;
      const length = n % 300 === 7 ? 150_000 : random(400);
      own.push({ at, record: recordAt(at, `${index}.${n} ${'ä'.repeat(length)}`) });
    }
    writeFileSync(name, `${own.map(({ record }) => record).join('\n')}\n`);
    lines.push(...own);
  }
  return lines;
}

async function withLog<T>(use: (files: LogFiles) => Promise<T>): Promise<T> {
  const files = await LogFiles.open(file);
  try {
    return await use(files);
  } finally {
    await files.close();
  }
}

type Spot = LogFiles['end'];

async function after(files: LogFiles, spot: Spot, count = Number.POSITIVE_INFINITY): Promise<PlacedRecord[]> {
  const found: PlacedRecord[] = [];
  for await (const block of files.after(spot)) {
    found.push(...block);
    if (found.length >= count) break;
  }
  return found.slice(0, count);
}

async function before(files: LogFiles, spot: Spot, count = Number.POSITIVE_INFINITY): Promise<PlacedRecord[]> {
  const found: PlacedRecord[] = [];
  for await (const block of files.before(spot)) {
    found.push(...block.toReversed());
    if (found.length >= count) break;
  }
  return found.slice(0, count);
}

const texts = (records: readonly { readonly record: string }[]): string[] => records.map(({ record }) => record);

describe('the files of a log', () => {
  it('are read in both directions as one, whatever the lengths of the lines', async () => {
    const lines = writeLog();
    await withLog(async (files) => {
      expect(texts(await after(files, { index: 0, offset: 0 }))).toEqual(texts(lines));
      expect(texts(await before(files, files.end))).toEqual(texts(lines.toReversed()));
      expect(files.isFull).toBe(true);
    });
  });

  it('are entered at any time: before it lie the lines up to that millisecond, after it the later ones', async () => {
    const lines = writeLog();
    const times = new Set([0, START - 1, START, Number.MAX_SAFE_INTEGER]);
    for (let n = 0; n < lines.length; n += 97) {
      const { at } = lines[n] as { at: number };
      for (const each of [at - 1, at, at + 1]) times.add(each);
    }
    await withLog(async (files) => {
      for (const time of times) {
        const spot = await files.spotAt(time);
        const place = lines.filter(({ at }) => at <= time).length;
        expect([time, texts(await before(files, spot, 3))]).toEqual([
          time,
          texts(lines.slice(Math.max(0, place - 3), place).toReversed()),
        ]);
        expect([time, texts(await after(files, spot, 3))]).toEqual([time, texts(lines.slice(place, place + 3))]);
      }
    });
  });

  it('are entered at the place of a line, which stays when the file is put aside', async () => {
    const lines = writeLog();
    const place = await withLog(async (files) => (await before(files, files.end, 20)).at(-1) as PlacedRecord);
    for (const number of [2, 1, 0]) renameSync(number === 0 ? file : `${file}.${number}`, `${file}.${number + 1}`);
    writeFileSync(file, `${recordAt(START + 1e9, 'new')}\n`);
    await withLog(async (files) => {
      const spot = files.spotOf(place) as Spot;
      expect(texts(await after(files, spot, 1))).toEqual([place.record]);
      expect(texts(await before(files, spot, 1))).toEqual(texts(lines.slice(-21, -20)));
      expect((await after(files, spot)).length).toBe(21);
    });
  });

  it('forget the place of a line whose file is gone or was cut short', async () => {
    writeLog();
    const place = await withLog(async (files) => (await before(files, files.end, 1))[0] as PlacedRecord);
    truncateSync(file, 10);
    await withLog(async (files) => expect(files.spotOf(place)).toBeUndefined());
    rmSync(file);
    await withLog(async (files) => expect(files.spotOf(place)).toBeUndefined());
  });

  it('leave out the line that is being written, and lines without a time when they look for one', async () => {
    writeFileSync(file, `half a record of a host that was killed\n${recordAt(START, 'one')}\n{"level":30,"ti`);
    await withLog(async (files) => {
      expect((await before(files, files.end)).length).toBe(2);
      expect((await after(files, { index: 0, offset: 0 })).length).toBe(2);
      expect(texts(await before(files, await files.spotAt(START), 1))).toEqual([recordAt(START, 'one')]);
    });
    appendFileSync(file, `me":"${new Date(START + 1).toISOString()}","msg":"two"}\n`);
    await withLog(async (files) => expect((await after(files, await files.spotAt(START))).length).toBe(1));
  });

  it('may be none, or one be missing while they are put aside', async () => {
    await withLog(async (files) => {
      expect(await before(files, files.end)).toEqual([]);
      expect(await after(files, await files.spotAt(START))).toEqual([]);
      expect(files.isFull).toBe(false);
    });
    const lines = writeLog();
    rmSync(`${file}.1`);
    await withLog(async (files) => expect((await before(files, files.end)).length).toBe((lines.length / 4) * 3));
  });
});
