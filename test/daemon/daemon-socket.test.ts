import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { claimDataDir } from '../../src/daemon/daemon-lock.ts';
import { daemonSocketPath, listenOnSocket } from '../../src/daemon/daemon-socket.ts';
import { useDataDir } from './claimants.ts';

const files = useDataDir();
beforeEach(() => void vi.stubEnv('XDG_RUNTIME_DIR', files.runtime));
afterEach(() => void vi.unstubAllEnvs());

const FOLDER = `greenroom-${process.getuid?.()}`;
const folder = (): string => join(files.runtime, FOLDER);

async function listen() {
  const socket = daemonSocketPath(files.dataDir);
  const facts = { socket, tcp: null, version: '1', searchPaths: [], listening: false };
  const claim = await claimDataDir(files.dataDir, facts);
  const server = createServer((connection) => connection.destroy());
  await listenOnSocket(server, claim);
  return {
    socket,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
      claim.release();
    },
  };
}

describe.skipIf(process.platform === 'win32')('the socket of a daemon', () => {
  test('is of this user alone, in a folder of this user alone, and goes when the server closes', async () => {
    const daemon = await listen();
    expect(statSync(daemon.socket).mode & 0o777).toBe(0o600);
    expect(statSync(folder()).mode & 0o777).toBe(0o700);
    await once(connect(daemon.socket), 'connect');
    await daemon[Symbol.asyncDispose]();
    expect(existsSync(daemon.socket)).toBe(false);
  });

  test('has the same first part for every path to the data directory, and another for another directory', () => {
    const part = (dataDir: string): string => basename(daemonSocketPath(dataDir)).split('-')[0] ?? '';
    const link = join(files.runtime, 'link');
    const first = part(files.dataDir);
    symlinkSync(files.dataDir, link);
    expect(first).toMatch(/^[0-9a-f]{16}$/);
    expect(part(link)).toBe(first);
    expect(part(join(files.runtime, 'other'))).not.toBe(first);
  });

  test('is removed by the next daemon where the owner was killed, and no other socket or file is', async () => {
    const owner = await files.start();
    owner.claim();
    const { socket = '' } = await owner.next();
    await owner.end('SIGKILL');
    expect(existsSync(socket)).toBe(true);
    writeFileSync(join(folder(), basename(socket).replace(/-\w+/, '-notes')), '');
    const other = createServer().listen(join(folder(), 'ffffffffffffffff-00000000.sock'));
    await once(other, 'listening');
    const daemon = await listen();
    const left = readdirSync(folder());
    expect(left).not.toContain(basename(socket));
    expect(left).toHaveLength(3);
    await daemon[Symbol.asyncDispose]();
    other.close();
  });

  test('lies in the temporary folder where the path would be too long', () => {
    const long = join(files.runtime, 'x'.repeat(50));
    mkdirSync(long);
    vi.stubEnv('XDG_RUNTIME_DIR', long);
    vi.stubEnv('TMPDIR', files.runtime);
    expect(dirname(daemonSocketPath(files.dataDir))).toBe(folder());
    vi.stubEnv('TMPDIR', long);
    expect(() => daemonSocketPath(files.dataDir)).toThrow(/more than 103 bytes\. Set XDG_RUNTIME_DIR or TMPDIR/);
  });

  test.each([
    ['a symbolic link', () => symlinkSync(tmpdir(), folder()), 'is a symbolic link'],
    ['a file', () => writeFileSync(folder(), ''), 'is not a folder'],
    [
      'a folder that others may enter',
      () => {
        mkdirSync(folder());
        chmodSync(folder(), 0o755);
      },
      'has mode 0755, not 0700',
    ],
  ])('is not put into %s', (_, make, fault) => {
    make();
    expect(() => daemonSocketPath(files.dataDir)).toThrow(`${folder()} for the daemon's socket ${fault}`);
  });

  test.runIf(process.getuid?.() === 0)('is not put into the folder of another user', () => {
    mkdirSync(folder(), { mode: 0o700 });
    chownSync(folder(), 12_345, 12_345);
    expect(() => daemonSocketPath(files.dataDir)).toThrow('belongs to another user, 12345');
  });

  test('cannot be where the runtime folder is gone, which an error says', async () => {
    const socket = join(files.runtime, 'absent', 'd.sock');
    const facts = { socket, tcp: null, version: '1', searchPaths: [], listening: false };
    const claim = await claimDataDir(files.dataDir, facts);
    await expect(listenOnSocket(createServer(), claim)).rejects.toMatchObject({ code: 'E_DATA_DIR' });
    claim.release();
  });
});
