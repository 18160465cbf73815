import { readFileSync, statSync } from 'node:fs';
import { messageOf } from '../errors.ts';
import type { FleetOptions } from '../fleet/fleet-options.ts';
import type { Options, Values } from './command.ts';
import type { Terminal } from './terminal/terminal.ts';
import { UsageError } from './usage-error.ts';

/** The variable with the address of the Redis, which may have a password. */
export const FLEET_VARIABLE = 'GREENROOM_FLEET';

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
 * undefined: none. Throws {@link UsageError}.
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
  const redis = fleet ?? (file === undefined ? variable : readAddress(file, terminal));
  if (redis !== undefined && redis !== '') return { redis, name, prefix, values: folder };
  const given = (['fleet-name', 'fleet-prefix', 'fleet-values'] as const).find((each) => values[each] !== undefined);
  if (given !== undefined) throw new UsageError(`--${given} is for a node of a fleet; give --fleet too.`);
  return undefined;
}

function hasPassword(url: string): boolean {
  return URL.canParse(url) && new URL(url).password !== '';
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
