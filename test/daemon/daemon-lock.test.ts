import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { claimDataDir } from '../../src/daemon/daemon-lock.ts';
import { type DaemonFacts, type DaemonRecord, daemonFile, readDaemon } from '../../src/daemon/daemon-record.ts';
import { ownIdentity } from '../../src/process/process-identity.ts';
import { type Claimant, useDataDir } from './claimants.ts';

const files = useDataDir();
const FACTS: DaemonFacts = {
  socket: '/absent.sock',
  tcp: null,
  version: '1.2.3',
  searchPaths: ['/p'],
  listening: false,
};
const isLinux = process.platform === 'linux';

/** A lock file as another process would have left it. */
function leave(changed: Partial<DaemonRecord>): DaemonRecord {
  const record: DaemonRecord = {
    ...ownIdentity(),
    ...FACTS,
    id: '0123456789ab',
    machine: hostname(),
    startedAt: Date.now(),
    ...changed,
  };
  mkdirSync(files.dataDir, { recursive: true });
  writeFileSync(daemonFile(files.dataDir), JSON.stringify(record), { mode: 0o600 });
  return record;
}

/** Lets claimants claim at once, and returns what came of it. */
async function claimAtOnce(claimants: readonly Claimant[]) {
  for (const claimant of claimants) claimant.claim();
  const reports = await Promise.all(claimants.map((claimant) => claimant.next()));
  const winners = reports.flatMap(({ claimed }) => claimed ?? []);
  return { winners, refusals: reports.filter(({ refused }) => refused !== undefined) };
}

const startTen = (): Promise<Claimant[]> => Promise.all(Array.from({ length: 10 }, () => files.start()));

test('of ten processes that claim a directory at once one has it, and the others are told its pid', async () => {
  const { winners, refusals } = await claimAtOnce(await startTen());
  expect(winners).toHaveLength(1);
  expect(refusals).toHaveLength(9);
  for (const { refused, message } of refusals) {
    expect(refused).toBe('E_DATA_DIR');
    expect(message).toContain(`process ${winners[0]}, Greenroom 1.2.3, running since 20`);
    expect(message).toContain(`greenroom serve --replace", or stop it: kill ${winners[0]}`);
  }
  expect(readDaemon(files.dataDir)).toMatchObject({ pid: winners[0], listening: true });
  expect(statSync(daemonFile(files.dataDir)).mode & 0o777).toBe(0o600);
  expect(readdirSync(files.dataDir)).toEqual(['daemon.json']);
});

test('of ten processes that find the owner killed at once one takes over, whose record is the one that stays', async () => {
  const first = await files.start();
  first.claim();
  await first.next();
  await first.end('SIGKILL');
  expect(readDaemon(files.dataDir)).toBeUndefined();
  const { winners, refusals } = await claimAtOnce(await startTen());
  expect(winners).toHaveLength(1);
  expect(refusals).toHaveLength(9);
  expect(readDaemon(files.dataDir)?.pid).toBe(winners[0]);
  expect(readdirSync(files.dataDir)).toEqual(['daemon.json']);
});

test('twenty times eight claims of one process over a dead record make one owner each', async () => {
  for (let round = 0; round < 20; round++) {
    leave({ pid: 2 ** 30, id: round.toString(16).padStart(12, '0') });
    const claims = await Promise.allSettled(Array.from({ length: 8 }, () => claimDataDir(files.dataDir, FACTS)));
    const [winner, ...others] = claims.flatMap((claim) => (claim.status === 'fulfilled' ? [claim.value] : []));
    expect(others).toEqual([]);
    expect(readDaemon(files.dataDir)?.id).toBe(winner?.record.id);
    winner?.release();
    expect(readdirSync(files.dataDir)).toEqual([]);
  }
});

test.runIf(isLinux)('a process that has got the pid of a dead owner is not taken for it', async () => {
  leave({ startTime: '1' });
  expect(readDaemon(files.dataDir)).toBeUndefined();
  const claim = await claimDataDir(files.dataDir, FACTS);
  expect(readDaemon(files.dataDir)?.id).toBe(claim.record.id);
  claim.release();
});

test.runIf(isLinux)('a record of before this machine was started is taken over', async () => {
  leave({ bootId: 'another' });
  (await claimDataDir(files.dataDir, FACTS)).release();
});

test('a process that died as it took over holds up nobody', async () => {
  const dead = leave({ pid: 2 ** 30 });
  const taker = { ...dead, id: 'ba9876543210' };
  writeFileSync(`${daemonFile(files.dataDir)}.after-${dead.id}`, JSON.stringify(taker));
  const claim = await claimDataDir(files.dataDir, FACTS);
  expect(readDaemon(files.dataDir)?.id).toBe(claim.record.id);
  expect(readdirSync(files.dataDir)).toEqual(['daemon.json']);
  claim.release();
});

test('what killed claimants have left is removed by a later one', async () => {
  mkdirSync(files.dataDir);
  const long = new Date(Date.now() - 120_000);
  for (const name of ['daemon.json.after-0123456789ab', 'daemon.json.aa.draft']) {
    writeFileSync(join(files.dataDir, name), '');
    utimesSync(join(files.dataDir, name), long, long);
  }
  const claim = await claimDataDir(files.dataDir, FACTS);
  expect(readdirSync(files.dataDir)).toEqual(['daemon.json']);
  claim.release();
});

test('the owner can say more of itself later, and release its directory more than once', async () => {
  const claim = await claimDataDir(files.dataDir, FACTS);
  claim.update({ tcp: '127.0.0.1:8484', listening: true });
  expect(readDaemon(files.dataDir)).toEqual(claim.record);
  expect(claim.record).toMatchObject({ ...FACTS, tcp: '127.0.0.1:8484', listening: true, pid: process.pid });
  claim.release();
  const next = await claimDataDir(files.dataDir, FACTS);
  claim.release();
  expect(readDaemon(files.dataDir)?.id).toBe(next.record.id);
  next.release();
  expect(readDaemon(files.dataDir)).toBeUndefined();
});

test('an owner that was taken for dead is told, and leaves the directory to the other', async () => {
  const claim = await claimDataDir(files.dataDir, FACTS, { beatMs: 10 });
  const lost = once(claim.lost, 'abort');
  const other = leave({ id: 'ba9876543210' });
  await lost;
  expect(() => claim.update({ listening: true })).toThrow(/was removed, or has gone to another daemon/);
  claim.release();
  expect(readDaemon(files.dataDir)).toEqual(other);
});

test('a directory that cannot be made says so, and what to do', async () => {
  writeFileSync(files.dataDir, '');
  await expect(claimDataDir(files.dataDir, FACTS)).rejects.toMatchObject({
    code: 'E_DATA_DIR',
    message: expect.stringMatching(/data cannot be used: EEXIST.*choose another with --data-dir/) as string,
  });
});

describe.runIf(isLinux)('a daemon that cannot be seen, as in another container,', () => {
  const ELSEWHERE = { pidNamespace: 'pid:[1]', machine: 'container' };

  test('lives while its socket takes connections', async () => {
    const socket = join(files.runtime, 'd.sock');
    const server = createServer((connection) => connection.destroy()).listen(socket);
    await once(server, 'listening');
    leave({ ...ELSEWHERE, socket, listening: true });
    await expect(claimDataDir(files.dataDir, FACTS)).rejects.toThrow(`process ${process.pid} on "container"`);
    server.close();
  });

  test('is dead once nothing listens at its socket', async () => {
    const owner = await files.start();
    owner.claim();
    const { socket = '' } = await owner.next();
    await owner.end('SIGKILL');
    expect(existsSync(socket)).toBe(true);
    leave({ ...ELSEWHERE, socket, listening: true });
    // Were it to wait for a beat, it would wait for hours.
    (await claimDataDir(files.dataDir, FACTS, { beatMs: 10_000_000 })).release();
  });

  test('lives while its lock file is touched, and is dead when that ends', async () => {
    const owner = await claimDataDir(files.dataDir, FACTS, { beatMs: 5 });
    const seen = JSON.parse(readFileSync(daemonFile(files.dataDir), 'utf8')) as DaemonRecord;
    // Its own beat finds the same id, so that it goes on.
    writeFileSync(daemonFile(files.dataDir), JSON.stringify({ ...seen, ...ELSEWHERE }));
    await expect(claimDataDir(files.dataDir, FACTS, { beatMs: 200 })).rejects.toThrow('on "container"');
    owner.release();
    leave(ELSEWHERE);
    (await claimDataDir(files.dataDir, FACTS, { beatMs: 20 })).release();
  });

  test('is waited for no longer than its claimant wants to', async () => {
    leave(ELSEWHERE);
    const enough = new Error('enough');
    const claim = claimDataDir(files.dataDir, FACTS, { signal: AbortSignal.timeout(1) });
    await expect(claim).rejects.toMatchObject({ name: 'TimeoutError' });
    const never = claimDataDir(files.dataDir, FACTS, { signal: AbortSignal.abort(enough) });
    await expect(never).rejects.toBe(enough);
  });

  test('is asked also when its record is no record', async () => {
    leave({});
    writeFileSync(daemonFile(files.dataDir), '{"pid": 1}');
    expect(readDaemon(files.dataDir)).toBeUndefined();
    (await claimDataDir(files.dataDir, FACTS, { beatMs: 5 })).release();
  });

  test.runIf(process.getuid?.() === 0)(
    'of a real namespace of its own, is refused, and replaced after its end',
    async () => {
      const under = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];
      const owner = await files.start({ under, beatMs: 50 });
      owner.claim();
      const { socket = '' } = await owner.next();
      const second = await files.start({ beatMs: 50 });
      second.claim();
      expect(await second.next()).toMatchObject({ refused: 'E_DATA_DIR' });
      await owner.end('SIGKILL');
      rmSync(socket, { force: true });
      const third = await files.start({ beatMs: 50 });
      third.claim();
      expect(await third.next()).toMatchObject({ claimed: third.pid });
    },
  );
});
