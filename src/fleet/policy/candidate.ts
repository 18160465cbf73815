import type { Prospect } from '../../scheduler/prospect.ts';

/** The job of a plugin that the store would give next. */
export interface Head {
  /** Higher goes first. */
  readonly priority: number;
  /** How long it has waited, by the clock of the store, in milliseconds. */
  readonly waitedMs: number;
}

/** What other living nodes say of a plugin. */
export interface Elsewhere {
  /** How many have a worker of it, or load one. */
  readonly warm: number;
  /** How long ago the last of them said so; undefined where none does. */
  readonly newestMs: number | undefined;
  /** How long no node has had a worker of it, in milliseconds; undefined where one has, and where none ever had. */
  readonly coldMs: number | undefined;
}

/** A plugin that has jobs and no worker on this node. */
export interface Candidate {
  readonly plugin: string;
  readonly head: Head;
  readonly elsewhere: Elsewhere;
  /** What the scheduler of this node would decide. */
  readonly prospect: Prospect;
  /** Whether jobs of one that would be evicted are in hand here, or wait. */
  readonly areVictimsAtWork: boolean;
  /** How long its jobs may wait for the nodes that have it, in milliseconds. */
  readonly localityWaitMs: number;
}

/** Whether one head goes before the other: by priority, then by age. */
export function isBefore(one: Head, other: Head): boolean {
  return one.priority === other.priority ? one.waitedMs > other.waitedMs : one.priority > other.priority;
}
