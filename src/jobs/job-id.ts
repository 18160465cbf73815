import { randomUUID } from 'node:crypto';

/** The last time that an identifier begins with, and how many have begun with it. */
let lastMs = 0;
let count = 0;

/** How many identifiers of one millisecond are told apart by their order: 12 bits. */
const PER_MS = 0x1000;

/**
 * A new identifier: a UUID of version 7 (RFC 9562, section 5.7). Those of one process sort as they were made, also when
 * the clock is set back: the twelve bits after the time count (method 1 of section 6.2).
 *
 * @param now milliseconds since the epoch
 */
export function newJobId(now = Date.now()): string {
  if (now > lastMs) {
    lastMs = now;
    count = 0;
  } else {
    count += 1;
    if (count === PER_MS) {
      lastMs += 1;
      count = 0;
    }
  }
  const time = lastMs.toString(16).padStart(12, '0');
  const counted = count.toString(16).padStart(3, '0');
  // The last two groups of one of version 4 are random, and as they are to be here.
  const random = randomUUID().slice(19);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counted}-${random}`;
}

const JOB_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Whether it can be the identifier of a job. */
export function isJobId(value: unknown): value is string {
  return typeof value === 'string' && JOB_ID.test(value);
}
