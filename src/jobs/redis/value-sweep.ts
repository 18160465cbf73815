import { randomUUID } from 'node:crypto';
import type { RedisLink } from './redis-link.ts';
import type { SharedValues } from './shared-values.ts';

/** How often files are looked at, by one of all programs, in milliseconds, and how many then. */
const EVERY_MS = 600_000;
const MOST = 1_000;

/** What tells the jobs in a Redis from those in another one with the same prefix. Rejects with `E_JOB_STORE`. */
export async function fleetIdentity(link: RedisLink): Promise<string> {
  const key = link.key('values', 'fleet');
  const [, identity] = await link.sendAll([
    ['SET', key, randomUUID(), 'NX'],
    ['GET', key],
  ]);
  return String(identity);
}

/**
 * Removes files in the folder of shared values that no job names: a program ended between the file and the job, or between
 * the job and the file. Only those are looked at that are a day old, as a job may be about to name a younger one. What a
 * Redis has named that has lost its data stays: it may get it back. Keys: `values:fleet` the identity, `values:turn` while
 * none is due, `values:after` where the next goes on.
 */
export class ValueSweep {
  readonly #link: RedisLink;
  readonly #values: SharedValues;
  readonly #fleet: string;
  readonly #everyMs: number;
  readonly #most: number;

  constructor(link: RedisLink, values: SharedValues, fleet: string, { everyMs = EVERY_MS, most = MOST } = {}) {
    this.#link = link;
    this.#values = values;
    this.#fleet = fleet;
    this.#everyMs = everyMs;
    this.#most = most;
  }

  /** Looks at some files where that is due, and no other program has just done it. Rejects with `E_JOB_STORE`. */
  async turn(): Promise<void> {
    const link = this.#link;
    const isOurs = await link.send(['SET', link.key('values', 'turn'), '1', 'PX', this.#everyMs, 'NX']);
    if (isOurs === null) return;
    const [fleet, after] = (await link.sendAll([
      ['GET', link.key('values', 'fleet')],
      ['GET', link.key('values', 'after')],
    ])) as readonly (string | null)[];
    if (fleet !== this.#fleet) return;
    const { old, last } = await this.#values.oldAfter(after ?? '', this.#most);
    const named = (await link.sendAll(
      old.map(({ job }) => ['HMGET', link.key('job', job), 'inputFile', 'resultFile']),
    )) as readonly (readonly unknown[])[];
    await this.#values.remove(old.filter(({ name }, index) => !named[index]?.includes(name)).map(({ name }) => name));
    await link.send(['SET', link.key('values', 'after'), last]);
  }
}
