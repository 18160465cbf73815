import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readSystemMemory } from '../../src/measure/system-memory.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'greenroom-root-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const MIB = 2 ** 20;
const V2_MOUNT = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n';
const v1Mount = (mountedRoot: string): string =>
  `31 23 0:28 / /sys/fs/cgroup ro - tmpfs tmpfs rw\n36 31 0:32 ${mountedRoot} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n`;

function machine(files: Record<string, string>): void {
  const all = {
    'proc/meminfo': 'MemTotal:       16777216 kB\nMemFree:         1048576 kB\nMemAvailable:    8388608 kB\n',
    ...files,
  };
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}

test('without control groups the machine itself is the limit', () => {
  machine({});
  expect(readSystemMemory(root)).toEqual({
    totalMb: 16_384,
    availableMb: 8_192,
    machineTotalMb: 16_384,
    group: undefined,
  });
});

test('version 2: the tightest group above this process counts, without file pages not in use', () => {
  machine({
    'proc/self/cgroup': '0::/user.slice/app.scope\n',
    'proc/self/mountinfo': V2_MOUNT,
    'sys/fs/cgroup/user.slice/memory.max': `${4_096 * MIB}\n`,
    'sys/fs/cgroup/user.slice/memory.current': `${3_072 * MIB}\n`,
    'sys/fs/cgroup/user.slice/memory.stat': `anon 5\nactive_file 7\ninactive_file ${1_024 * MIB}\n`,
    'sys/fs/cgroup/user.slice/app.scope/memory.max': 'max\n',
    'sys/fs/cgroup/user.slice/app.scope/memory.current': '1000\n',
  });
  expect(readSystemMemory(root)).toEqual({
    totalMb: 4_096,
    availableMb: 2_048,
    machineTotalMb: 16_384,
    group: join(root, 'sys/fs/cgroup/user.slice'),
  });
});

test('version 2 in a container: the group is the top of what is mounted', () => {
  machine({
    'proc/self/cgroup': '0::/\n',
    'proc/self/mountinfo': V2_MOUNT,
    'sys/fs/cgroup/memory.max': `${512 * MIB}\n`,
    'sys/fs/cgroup/memory.current': `${100 * MIB}\n`,
  });
  expect(readSystemMemory(root)).toEqual({
    totalMb: 512,
    availableMb: 412,
    machineTotalMb: 16_384,
    group: join(root, 'sys/fs/cgroup'),
  });
});

test('version 1 in a container whose path counts from the machine', () => {
  machine({
    'proc/self/cgroup': '12:pids:/docker/abc\n4:memory:/docker/abc\n0::/\n',
    'proc/self/mountinfo': v1Mount('/docker/abc'),
    'sys/fs/cgroup/memory/memory.limit_in_bytes': `${1_024 * MIB}\n`,
    'sys/fs/cgroup/memory/memory.usage_in_bytes': `${600 * MIB}\n`,
    'sys/fs/cgroup/memory/memory.stat': `inactive_file 1\ntotal_inactive_file ${200 * MIB}\n`,
  });
  expect(readSystemMemory(root)).toEqual({
    totalMb: 1_024,
    availableMb: 624,
    machineTotalMb: 16_384,
    group: join(root, 'sys/fs/cgroup/memory'),
  });
});

test('version 1 without a limit writes a huge number', () => {
  machine({
    'proc/self/cgroup': '4:memory:/\n',
    'proc/self/mountinfo': v1Mount('/'),
    'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
    'sys/fs/cgroup/memory/memory.usage_in_bytes': '600\n',
  });
  expect(readSystemMemory(root)).toEqual({
    totalMb: 16_384,
    availableMb: 8_192,
    machineTotalMb: 16_384,
    group: undefined,
  });
});

test('a group that may use more than is left is limited by the machine, and one beyond its limit has nothing', () => {
  const group = { 'proc/self/cgroup': '0::/\n', 'proc/self/mountinfo': V2_MOUNT };
  machine({ ...group, 'sys/fs/cgroup/memory.max': `${15_000 * MIB}`, 'sys/fs/cgroup/memory.current': '0' });
  expect(readSystemMemory(root)).toEqual({
    totalMb: 15_000,
    availableMb: 8_192,
    machineTotalMb: 16_384,
    group: undefined,
  });
  machine({ ...group, 'sys/fs/cgroup/memory.max': `${MIB}`, 'sys/fs/cgroup/memory.current': `${2 * MIB}` });
  expect(readSystemMemory(root).availableMb).toBe(0);
});

test('a group inside a tighter one does not loosen it, and an application beside pays for its own', () => {
  machine({
    'proc/self/cgroup': '0::/outer/inner\n',
    'proc/self/mountinfo': V2_MOUNT,
    'sys/fs/cgroup/outer/memory.max': `${1_000 * MIB}\n`,
    'sys/fs/cgroup/outer/memory.current': `${900 * MIB}\n`,
    'sys/fs/cgroup/outer/inner/memory.max': `${2_000 * MIB}\n`,
    'sys/fs/cgroup/outer/inner/memory.current': `${10 * MIB}\n`,
  });
  expect(readSystemMemory(root)).toMatchObject({
    totalMb: 1_000,
    availableMb: 100,
    group: join(root, 'sys/fs/cgroup/outer'),
  });
});

test('this machine has memory, also where nothing can be read', () => {
  expect(readSystemMemory().availableMb).toBeGreaterThan(0);
  expect(readSystemMemory(root).totalMb).toBe(Math.floor(totalmem() / MIB));
});
