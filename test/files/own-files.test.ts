import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeWhole, writeWhole } from '../../src/files/whole-file.ts';
import type { ManifestEntry } from '../../src/manifest/read.ts';
import { openFootprints } from '../../src/measure/footprints.ts';
import { readRecords, type SupervisorRecord, writeRecord } from '../../src/orphans/supervisor-record.ts';

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'gr-'));
});

afterEach(() => rmSync(dataDir, { recursive: true }));

/** Puts files into a folder of the data directory that no supervisor has written. */
function spoil(folder: string): void {
  mkdirSync(join(dataDir, folder), { recursive: true });
  const at = (name: string): string => join(dataDir, folder, `${name}.json`);
  mkdirSync(at('folder'));
  writeFileSync(at('deep'), '['.repeat(200_000) + ']'.repeat(200_000));
  writeFileSync(at('huge'), '');
  truncateSync(at('huge'), 2 ** 31);
  if (process.platform !== 'win32') execFileSync('mkfifo', [at('pipe')]);
}

describe('files of the data directory that nobody should have put there', () => {
  it('keep no supervisor from the records of the others', () => {
    spoil('supervisors');
    const record: SupervisorRecord = {
      id: '0123456789ab',
      pid: 7,
      startTime: null,
      bootId: null,
      pidNamespace: null,
      cgroup: null,
      folders: [],
    };
    writeRecord(dataDir, record);
    expect(readRecords(dataDir)).toEqual([record]);
  });

  it('count as no measurement', () => {
    spoil('footprints');
    const footprints = openFootprints(dataDir, () => {});
    for (const name of ['folder', 'deep', 'huge', 'pipe'])
      expect(footprints.get({ manifest: { name } } as ManifestEntry, {})).toBeUndefined();
  });
});

describe('a file that is written whole', () => {
  it('leaves no draft behind where it cannot take its place', () => {
    mkdirSync(join(dataDir, 'taken', 'inside'), { recursive: true });
    expect(() => writeWhole(join(dataDir, 'taken'), 'new')).toThrow(/EISDIR|EPERM|ENOTEMPTY|EEXIST/);
    expect(readdirSync(dataDir)).toEqual(['taken']);
  });

  it('keeps its old content where the new one cannot be written', () => {
    const file = join(dataDir, 'file');
    writeWhole(file, 'old');
    mkdirSync(`${file}.draft`);
    expect(() => writeWhole(file, 'new')).toThrow();
    expect(readFileSync(file, 'utf8')).toBe('old');
  });

  it('goes together with a draft that could not be tidied up', () => {
    const file = join(dataDir, 'file');
    writeWhole(file, 'old');
    writeFileSync(`${file}.draft`, 'half');
    removeWhole(file);
    expect(readdirSync(dataDir)).toEqual([]);
  });
});
