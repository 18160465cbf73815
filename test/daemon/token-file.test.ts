import { execFile } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, test } from 'vitest';
import { daemonToken, rotateToken, tokenFile } from '../../src/daemon/token-file.ts';
import { useDataDir } from './claimants.ts';

const files = useDataDir();
beforeEach(() => {
  mkdirSync(files.dataDir);
});
const file = (): string => tokenFile(files.dataDir);
const run = promisify(execFile);

test('the first use makes a token in a file of this user alone, and later uses return it', () => {
  const token = daemonToken(files.dataDir);
  expect(token).toMatch(/^[\w-]{43}$/);
  expect(daemonToken(files.dataDir)).toBe(token);
  if (process.platform !== 'win32') expect(statSync(file()).mode & 0o777).toBe(0o600);
  expect(readdirSync(files.dataDir)).toEqual(['daemon-token']);
});

test('processes that make a token at once get the same', async () => {
  const module = new URL('../../dist/daemon/token-file.js', import.meta.url).href;
  const script = `import { daemonToken } from ${JSON.stringify(module)}; console.log(daemonToken(process.argv[1]));`;
  const args = ['--input-type=module', '-e', script, files.dataDir];
  const printed = await Promise.all(Array.from({ length: 6 }, () => run(process.execPath, args)));
  expect(new Set(printed.map(({ stdout }) => stdout.trim()))).toEqual(new Set([daemonToken(files.dataDir)]));
});

test('a rotated token is another one, and the file stays of this user alone', () => {
  const before = daemonToken(files.dataDir);
  const after = rotateToken(files.dataDir);
  expect(after).not.toBe(before);
  expect(daemonToken(files.dataDir)).toBe(after);
  if (process.platform !== 'win32') expect(statSync(file()).mode & 0o777).toBe(0o600);
});

describe.skipIf(process.platform === 'win32')('a token file is refused, with what to do, where it', () => {
  const refusal = (): unknown => {
    try {
      return daemonToken(files.dataDir);
    } catch (error) {
      return error;
    }
  };
  test.each([
    ['can be read by others', () => chmodSync(file(), 0o640), 'has mode 0640, so that others may have read it'],
    [
      'is a symbolic link',
      () => {
        rmSync(file());
        writeFileSync(join(files.dataDir, 'known'), 'x'.repeat(43), { mode: 0o600 });
        symlinkSync('known', file());
      },
      'is a symbolic link',
    ],
    [
      'is a folder',
      () => {
        rmSync(file());
        mkdirSync(file());
      },
      'is not a file',
    ],
    ['is empty', () => writeFileSync(file(), ''), 'holds no token'],
    ['is something else', () => writeFileSync(file(), 'x'.repeat(5_000)), 'holds no token'],
  ])('%s', (_, spoil, fault) => {
    daemonToken(files.dataDir);
    spoil();
    expect(refusal()).toMatchObject({
      code: 'E_DATA_DIR',
      message: `The token file ${file()} ${fault}. Remove it, and the next start of the daemon makes a new one.`,
    });
  });

  test.runIf(process.getuid?.() === 0)('belongs to another user', () => {
    daemonToken(files.dataDir);
    chownSync(file(), 12_345, 12_345);
    expect(refusal()).toMatchObject({ message: expect.stringContaining('another user, 12345') as string });
  });
});

test('a data directory that is gone says so', () => {
  rmSync(files.dataDir, { recursive: true });
  for (const use of [daemonToken, rotateToken]) expect(() => use(files.dataDir)).toThrow(/cannot be used: ENOENT/);
});
