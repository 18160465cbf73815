// @ts-check

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Queue, QueueEvents, Worker } from 'bullmq';
import { Skip } from '../skip.mjs';
import { throughBase64 } from './base64.mjs';
import { killed } from './killed.mjs';

const PROCESSOR = new URL('../workers/bullmq-worker.mjs', import.meta.url);

/** @param {string} folder */
export async function open(folder) {
  const path = `${folder}/redis.sock`;
  const redis = await startRedis(path, folder);
  let queues = 0;
  return {
    async start(/** @type {{ atOnce: number }} */ { atOnce }) {
      queues += 1;
      const name = `calls-${queues}`;
      const connection = { path, maxRetriesPerRequest: null };
      // A sandboxed processor has a process for each job at once, and one worker is compared here.
      const worker = new Worker(name, PROCESSOR, { connection, concurrency: 1 });
      const events = new QueueEvents(name, { connection });
      const queue = new Queue(name, { connection });
      // Every call that waits for its result listens to both.
      for (const emitter of [queue, events]) emitter.setMaxListeners(0);
      await events.waitUntilReady();
      // A job that is removed at once may be gone before its result is asked for.
      const options = { removeOnComplete: { count: 2 * atOnce } };
      const call = async (/** @type {object} */ input) =>
        (await queue.add('call', input, options)).waitUntilFinished(events);
      return {
        call,
        bytes: throughBase64(call),
        stop: () => Promise.all([worker.close(true), events.close(), queue.close()]),
      };
    },
    close: () => killed(redis),
  };
}

/** Resolves when it listens; it keeps nothing on disk. @param {string} path @param {string} folder */
async function startRedis(path, folder) {
  const args = ['--port', '0', '--unixsocket', path, '--dir', folder, '--save', '', '--appendonly', 'no'];
  const redis = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(redis, 'spawn');
  } catch (error) {
    throw new Skip('redis-server is not installed', { cause: error });
  }
  await Promise.race([isReady(redis.stdout), once(redis, 'exit')]);
  if (redis.exitCode !== null) throw new Skip(`redis-server ended with status ${redis.exitCode}`);
  return redis;
}

/** Resolves when it has said so; what it says later is read and dropped. @param {import('node:stream').Readable} stdout */
function isReady(stdout) {
  return new Promise((resolve) => {
    stdout.on('data', (text) => {
      if (String(text).includes('eady to accept connections')) resolve(undefined);
    });
  });
}
