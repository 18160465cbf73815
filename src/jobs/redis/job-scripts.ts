import { LinkScript } from './redis-link.ts';
import { ADOPTING } from './scripts/adopting.ts';
import { ENDING } from './scripts/ending.ts';
import * as ofNodes from './scripts/nodes.ts';
import { QUEUE } from './scripts/queue.ts';
import { RECORD } from './scripts/record.ts';
import * as ofRunners from './scripts/running.ts';
import * as ofUsers from './scripts/user-changes.ts';

const operations = { ...ofUsers, ...ofRunners, ...ofNodes };

/** What a script does. */
export type JobOperation = keyof typeof operations;

/**
 * The scripts of a store, whole. BullMQ's own are part of each, so that a job's record and its place in its queue change
 * together or not at all.
 *
 * @param bullScripts BullMQ's scripts as functions of one table `bull`
 */
export function jobScripts(bullScripts: string): Readonly<Record<JobOperation, LinkScript>> {
  const parts = [RECORD, bullScripts, QUEUE, ENDING, ADOPTING].join('\n');
  const scripts = Object.entries(operations).map(([name, lua]) => [name, new LinkScript(`${parts}\n${lua}`)]);
  return Object.fromEntries(scripts) as Record<JobOperation, LinkScript>;
}
