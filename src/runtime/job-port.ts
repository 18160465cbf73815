import { executeJobCall, streamCall } from '../calls/execute.ts';
import type { JobSite } from '../jobs/runner/job-site.ts';
import type { Clock } from '../time/clock.ts';
import type { CallsInFleet } from './calls-in-fleet.ts';
import type { OpenedJobs } from './opened-jobs.ts';
import { disabledError, type PluginLookup } from './plugin-lookup.ts';
import type { PluginRecord } from './plugin-record.ts';
import type { PluginStanding } from './plugin-standing.ts';

/** What jobs need of a supervisor. */
export interface JobPort {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly onListenerError: (error: unknown) => void;
  /** Told what the store of jobs refuses; it is logged. */
  readonly onError: (error: unknown) => void;
  /** Writes a warning to the log of the supervisor. */
  readonly warn: (details: Readonly<Record<string, unknown>>, message: string) => void;
  /** For how long others may overtake one that waits, in milliseconds. */
  readonly maxWaitMs: number;
  /** The names of the plugins there are. */
  readonly names: () => Iterable<string>;
  readonly siteOf: (plugin: string) => JobSite;
  /** Has the supervisor's calls with `fleet: true` made by these. Returns how to leave. */
  readonly joinFleet: (calls: CallsInFleet) => () => void;
  /** How far the plugin of this name is from running another job. */
  readonly standingOf: (plugin: string) => PluginStanding;
  /** Told of the jobs once they are open. */
  readonly opened: OpenedJobs;
}

/** What a {@link jobSite} is made of. */
export interface JobSiteParts {
  readonly plugins: PluginLookup;
  readonly record: PluginRecord | undefined;
  /** Whether the plugin must be loaded before it is called, and is not. */
  readonly mustLoadFirst: boolean;
  readonly load: () => Promise<void>;
}

/** A plugin as its jobs find it now. */
export function jobSite(name: string, { plugins, record, mustLoadFirst, load }: JobSiteParts): JobSite {
  return {
    obstacle: obstacleTo(name, plugins, record, mustLoadFirst),
    places: record?.gate.serving.reduce((sum, { concurrency }) => sum + concurrency, 0) ?? 0,
    check: (tool, input) => void record?.tools.checkedInput(tool, input),
    load,
    execute: async (input, options, job) => {
      if (record === undefined || mustLoadFirst) throw plugins.whyNot(name);
      return executeJobCall(record, input, options, job);
    },
    stream: (input, options, job) => {
      if (record === undefined || mustLoadFirst) throw plugins.whyNot(name);
      return streamCall(record, input, options, job);
    },
  };
}

function obstacleTo(
  name: string,
  plugins: PluginLookup,
  record: PluginRecord | undefined,
  mustLoadFirst: boolean,
): string | undefined {
  if (plugins.isStopping || record === undefined || mustLoadFirst) return plugins.whyNot(name).message;
  if (!record.context.enabled) return disabledError(name).message;
  if (record.state === 'crashed' && record.phase === 'failed') return record.snapshot().lastError?.message;
  return undefined;
}
