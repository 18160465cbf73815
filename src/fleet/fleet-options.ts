import { hostname } from 'node:os';
import { checkOptions, type OptionKind, TEXT, wrongArgument } from '../argument-checks.ts';

/** Which fleet a program is part of, and as what. */
export interface FleetOptions {
  /** `redis://user:password@host:port/database`, `rediss://` for TLS, or `unix://` and the path of a socket. */
  readonly redis: string;
  /** What people call this node; by default the name of the machine. */
  readonly name?: string | undefined;
  /** What all keys in Redis begin with; `greenroom` by default. Fleets with other prefixes share nothing. */
  readonly prefix?: string | undefined;
  /** A folder that all nodes share, for inputs and results over 1 MiB; without it, such jobs are refused. */
  readonly values?: string | undefined;
  /**
   * How long a job waits for nodes that have a worker of its plugin before one more loads it, in milliseconds; by default
   * as long as a load takes.
   */
  readonly localityWaitMs?: number | undefined;
}

/** What keys in Redis may begin with. */
export const FLEET_PREFIX: OptionKind = {
  expected: '1 to 64 letters, digits, ".", "_" and "-"',
  fits: (value) => typeof value === 'string' && /^[\w.-]{1,64}$/.test(value),
};

/** What a node may be called. */
export const FLEET_NAME: OptionKind = {
  expected: '1 to 64 characters, none of them a space or unprintable',
  fits: (value) => typeof value === 'string' && /^[!-~]{1,64}$/.test(value),
};

const KINDS = {
  redis: TEXT,
  name: FLEET_NAME,
  prefix: FLEET_PREFIX,
  values: TEXT,
  localityWaitMs: {
    expected: 'a number of milliseconds from 0',
    fits: (value: unknown) => typeof value === 'number' && value >= 0,
  },
};

/** The options with their defaults. Throws `E_OPTIONS`; what is wrong with `redis` is said without it, as it may be secret. */
export function completeFleetOptions(options: FleetOptions): FleetOptions & { readonly name: string } {
  const { redis } = options;
  checkOptions('the fleet of openJobs()', { ...options, redis: typeof redis === 'string' ? 'redis' : redis }, KINDS);
  if (redis === undefined) throw wrongArgument('The option "redis" of a fleet', 'the address of a Redis', undefined);
  return { ...options, name: options.name ?? hostname() };
}
