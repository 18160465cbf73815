import { createRequire } from 'node:module';
import type * as IoRedis from 'ioredis';
import { GreenroomError, messageOf } from '../../errors.ts';

/** A script of BullMQ: its Lua, and how many keys it takes. */
interface BullScript {
  readonly name: string;
  readonly content: string;
  readonly keys: number;
}

/** The scripts of BullMQ that are called, with how many keys they take: another number is another interface. */
const SCRIPTS: Readonly<Record<string, number>> = {
  addDelayedJob: 6,
  addPrioritizedJob: 9,
  changePriority: 7,
  moveJobFromActiveToWait: 9,
  moveToActive: 11,
  moveToDelayed: 11,
  moveToFinished: 14,
  promote: 9,
  removeJob: 2,
  updateProgress: 3,
};

const INSTALL = 'npm install bullmq@6 ioredis@5';

/** The versions of BullMQ that may be used: from 6.3.3, which repairs a connection that stays away, below 7. */
const VERSIONS = '6.3.3 or later of 6';

/** What is used of the packages that only programs need which share jobs. */
export interface RedisPeers {
  readonly Redis: typeof IoRedis.Redis;
  /** BullMQ's scripts as functions of one table `bull`, to be put before other Lua. */
  readonly bullScripts: string;
}

/** Loads the packages. Rejects with `E_JOB_STORE` where one is missing, or BullMQ is of a version with other scripts. */
export async function redisPeers(load: (name: string) => Promise<unknown> = loadPackage): Promise<RedisPeers> {
  const [ioredis, bullmq, scripts] = await Promise.all([
    load('ioredis'),
    load('bullmq/package.json'),
    load('bullmq/dist/cjs/scripts/index.js'),
  ]).catch((cause: unknown) => {
    throw new GreenroomError(
      'E_JOB_STORE',
      `Jobs in Redis need the packages bullmq and ioredis: run "${INSTALL}". ${messageOf(cause).split('\n')[0]}`,
      { cause },
    );
  });
  const { version } = bullmq as { version: string };
  return { Redis: (ioredis as typeof IoRedis).Redis, bullScripts: bullFunctions(version, scripts) };
}

function bullFunctions(version: string, scripts: unknown): string {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const isKnown = major === 6 && (minor > 3 || (minor === 3 && patch >= 3));
  const all = scripts as Readonly<Record<string, BullScript | undefined>>;
  const functions = Object.entries(SCRIPTS).map(([name, keys]) => {
    const script = all[name];
    if (!isKnown || script?.keys !== keys)
      throw new GreenroomError(
        'E_JOB_STORE',
        `Jobs in Redis need BullMQ ${VERSIONS}, and the one installed is ${version}: run "${INSTALL}".`,
      );
    return `bull.${name} = function(KEYS, ARGV)\n${script.content}\nend\n`;
  });
  return `local bull = {}\n${functions.join('')}`;
}

/** By `require`, as BullMQ's folder of scripts is a module of that kind. */
async function loadPackage(name: string): Promise<unknown> {
  return createRequire(import.meta.url)(name) as unknown;
}
