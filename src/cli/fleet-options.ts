import { readFileSync, statSync } from 'node:fs';
import type { OptionKind } from '../argument-checks.ts';
import { messageOf } from '../errors.ts';
import { FLEET_NAME, FLEET_PREFIX, type FleetOptions } from '../fleet/fleet-options.ts';
import { redisAddress } from '../jobs/redis/redis-address.ts';
import { shown } from '../text/shown.ts';
import type { Options, Values } from './command.ts';
import type { Terminal } from './terminal/terminal.ts';
import { UsageError } from './usage-error.ts';

/** The variable with the address of the Redis, which may have a password. */
export const FLEET_VARIABLE = 'GREENROOM_FLEET';

const ADDRESSES = 'give redis://HOST:PORT, rediss:// for TLS, or unix:// and the path of a socket from /';

/** What a command takes that is a node of a fleet. */
export const FLEET_OPTIONS = {
  fleet: {
    type: 'string',
    value: 'URL',
    help: `share jobs with other machines over this Redis; with a password: --fleet-file or $${FLEET_VARIABLE}`,
  },
  'fleet-file': { type: 'string', value: 'PATH', help: 'read the address of the Redis from this file' },
  'fleet-name': { type: 'string', value: 'NAME', help: 'what this node is called; default the name of the machine' },
  'fleet-prefix': { type: 'string', value: 'TEXT', help: 'what all keys begin with; default greenroom' },
  'fleet-values': {
    type: 'string',
    value: 'PATH',
    help: 'a folder that all nodes share, for inputs and results over 1 MiB',
  },
} as const satisfies Options;

/**
 * The fleet that options, a file or the environment name, which has it no more then, as the plugins get the environment;
 * undefined: none. What no later attempt to join could make right is refused here. Throws {@link UsageError}.
 */
export function fleetOf(values: Values<typeof FLEET_OPTIONS>, terminal: Terminal): FleetOptions | undefined {
  const variable = process.env[FLEET_VARIABLE];
  delete process.env[FLEET_VARIABLE];
  const { fleet, 'fleet-file': file, 'fleet-name': name, 'fleet-prefix': prefix, 'fleet-values': folder } = values;
  if (fleet !== undefined && file !== undefined)
    throw new UsageError('--fleet and --fleet-file both say where the Redis is; give one of them.');
  if (fleet !== undefined && hasPassword(fleet))
    throw new UsageError(
      'The address of --fleet has a password, which every user of this machine could read with ps.',
      `Write the address to a file that only you can read, and give --fleet-file PATH, or set ${FLEET_VARIABLE}.`,
    );
  // As of a variable of the shell that is not set: the jobs would stay on this machine without a word.
  if (fleet === '') throw new UsageError(`--fleet is empty; ${ADDRESSES}.`);
  const redis = fleet ?? (file === undefined ? variable : readAddress(file, terminal));
  if (redis !== undefined && redis !== '') {
    if (!isAddress(redis)) {
      const source = fleet !== undefined ? '--fleet' : file !== undefined ? `--fleet-file ${file}` : FLEET_VARIABLE;
      // One with an "@" may have a password in it; of the others only that of the command line is known to everybody.
      const got = fleet === undefined || fleet.includes('@') ? '' : `, got ${shown(fleet)}`;
      throw new UsageError(`${source} is not the address of a Redis${got}; ${ADDRESSES}.`);
    }
    checkText('fleet-name', name, FLEET_NAME);
    checkText('fleet-prefix', prefix, FLEET_PREFIX);
    return { redis, name, prefix, values: folder };
  }
  const given = (['fleet-name', 'fleet-prefix', 'fleet-values'] as const).find((each) => values[each] !== undefined);
  if (given !== undefined) throw new UsageError(`--${given} is for a node of a fleet; give --fleet too.`);
  return undefined;
}

/** `URL` does not read a socket with a name, and what is no address may have a password all the same. */
function hasPassword(url: string): boolean {
  return /^\w+:\/\/[^/@]*:[^/@]+@/.test(url);
}

function isAddress(url: string): boolean {
  try {
    redisAddress(url);
    return true;
  } catch {
    return false;
  }
}

function checkText(option: string, text: string | undefined, { expected, fits }: OptionKind): void {
  if (text !== undefined && !fits(text)) throw new UsageError(`--${option} must be ${expected}, got ${shown(text)}.`);
}

function readAddress(file: string, terminal: Terminal): string {
  try {
    const text = readFileSync(file, 'utf8').trim();
    if (text === '') throw new UsageError(`--fleet-file ${file} is empty; write the address of the Redis into it.`);
    if ((statSync(file).mode & 0o077) !== 0)
      terminal.note(
        `${terminal.err.yellow('warning:')} Other users can read ${file}, and with it the password of the fleet: chmod 600 ${file}`,
      );
    return text;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`--fleet-file ${file} cannot be read: ${messageOf(error)}.`);
  }
}
