import type { LinkHealth } from '../jobs/redis/link-health.ts';
import type { Announcement } from './announcement.ts';

/** A living node, as it announced itself. */
export interface ToldNode extends Partial<Announcement> {
  /** Its identifier, another at each start. */
  readonly node: string;
  /** How long ago it said that it lives, in milliseconds. */
  readonly beatAgoMs: number;
  readonly plugins: readonly string[];
}

/** The jobs of one plugin, in all of a fleet. */
export interface FleetQueue {
  readonly plugin: string;
  readonly waiting: number;
  readonly delayed: number;
  readonly blocked: number;
  readonly running: number;
  readonly failed: number;
  readonly isPaused: boolean;
  /** How long the job has waited that is next, in milliseconds. */
  readonly waitedMs?: number;
  /** Why no node can run them. */
  readonly waitsFor?: string;
}

/** A fleet as one of its nodes sees it. */
export interface FleetStatus {
  /** Where its Redis is, without credentials. */
  readonly redis: string;
  readonly prefix: string;
  /** The identifier of the node that says so. */
  readonly node: string;
  readonly health: LinkHealth;
  readonly nodes: readonly ToldNode[];
  /** The plugins of which a job has not ended, or has failed. */
  readonly queues: readonly FleetQueue[];
}
