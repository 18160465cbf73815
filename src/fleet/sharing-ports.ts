import type { PluginStanding } from '../runtime/plugin-standing.ts';
import type { Clock } from '../time/clock.ts';
import type { Elsewhere, Head } from './policy/candidate.ts';

/** What the other nodes say of a plugin, and what the next claim is compared with. */
export interface Sighted extends Elsewhere {
  /** Changes with each claim. */
  readonly seen: string;
  /** How many nodes have the plugin. */
  readonly copies: number;
}

/** What decides which jobs are for this node. Times in milliseconds. */
export interface SharingTerms {
  /** How long jobs may wait for the nodes that have a worker; undefined: as long as their plugin takes to load. */
  readonly localityWaitMs: number | undefined;
  /** After how long a job has waited too long. */
  readonly ageBoundMs: number;
}

/** What sharing needs of the rest of the node, and of the other nodes. */
export interface SharingPorts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly standingOf: (plugin: string) => PluginStanding;
  /** The plugins of which jobs are in hand here, or may wait. */
  readonly atWork: () => ReadonlySet<string>;
  /** How long the plugin took to load here; undefined: it has not yet. */
  readonly loadMsOf: (plugin: string) => number | undefined;
  /** The job that each plugin would be given next; those without one are left out. */
  readonly heads: (plugins: readonly string[]) => Promise<ReadonlyMap<string, Head>>;
  readonly elsewhere: (plugins: readonly string[]) => Promise<ReadonlyMap<string, Sighted>>;
  /** Tells the other nodes that the plugin will be loaded here; false where one has told so since `seen`. */
  readonly claim: (plugin: string, seen: string) => Promise<boolean>;
  /** Nothing came of a claim. */
  readonly unclaim: (plugin: string) => void;
  /** The place of this node among those that have the plugin, from 0. */
  readonly rankOf: (plugin: string) => Promise<number>;
  /** Has the runner take jobs of the plugin, as `FleetSharing.share` allows. */
  readonly wake: (plugin: string) => void;
  /** Has the runner look at everything again. */
  readonly look: () => void;
  /** Has the runner give back the jobs of the plugin that have not begun. */
  readonly giveBack: (plugin: string) => void;
  readonly onError: (error: unknown) => void;
}
