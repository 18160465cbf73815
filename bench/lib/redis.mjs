// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * Runs something with a Redis of its own, which keeps nothing on the disk. Undefined where `redis-server` is not installed.
 *
 * @template T @param {string} folder @param {(socket: string) => Promise<T>} action @returns {Promise<T | undefined>}
 */
export async function withRedis(folder, action) {
  const socket = join(folder, 'redis.sock');
  const args = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '', '--appendonly', 'no'];
  const redis = spawn('redis-server', [...args, '--maxmemory-policy', 'noeviction'], { stdio: 'ignore' });
  try {
    await once(redis, 'spawn');
  } catch {
    return undefined;
  }
  try {
    while (!existsSync(socket) && redis.exitCode === null) await pause(10);
    return await action(socket);
  } finally {
    if (redis.exitCode === null) {
      redis.kill('SIGKILL');
      await once(redis, 'exit');
    }
  }
}
