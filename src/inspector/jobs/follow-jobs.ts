import { setTimeout as delay } from 'node:timers/promises';
import { GreenroomError, messageOf } from '../../errors.ts';
import { onAbort } from '../../events/abort-watch.ts';
import type { OpenedJobs } from '../../runtime/opened-jobs.ts';
import type { JobNews } from '../wire-jobs.ts';
import { JobNewsOf } from './job-news.ts';
import type { JobViews } from './job-views.ts';

/** How long changes are gathered before they are told, in milliseconds. */
const GATHER_MS = 250;

/** Which jobs are followed, and what says how they stand. */
export interface FollowedJobs {
  readonly opened: OpenedJobs;
  /** Calls back when a plugin has changed, on which its jobs may wait. Returns how to stop. */
  readonly onPluginChange: (listener: () => void) => () => void;
  readonly views: JobViews;
  /** Undefined: those of all plugins. */
  readonly plugin: string | undefined;
}

/** What becomes of the jobs, also of those that are opened later, until the signal aborts. */
export async function* followJobs(
  { opened, onPluginChange, views, plugin }: FollowedJobs,
  signal: AbortSignal,
): AsyncGenerator<JobNews> {
  let wake = (): void => {};
  let isDue = true;
  const tell = (): void => {
    isDue = true;
    wake();
  };
  const offs = [opened.changes.add(tell), onPluginChange(tell), onAbort(signal, tell)];
  let open: JobNewsOf | undefined;
  let told: string | undefined;
  try {
    while (!signal.aborted) {
      isDue = false;
      const { latest, count } = opened;
      if (open?.jobs !== latest) {
        open?.close();
        open = latest && new JobNewsOf(latest, views, plugin, tell);
      }
      const news = open === undefined ? closedNews(opened, views) : await newsOf(open, count - 1);
      const text = news?.isOpen === false ? JSON.stringify(news) : '';
      if (news !== undefined && (news.isOpen || text !== told)) yield news;
      told = text;
      await delay(GATHER_MS, undefined, { signal, ref: false }).catch(() => {});
      if (!isDue) await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    for (const off of offs) off();
    open?.close();
  }
}

function closedNews({ refusal }: OpenedJobs, views: JobViews): JobNews {
  return { isOpen: false, refusal: refusal === undefined ? undefined : views.text(messageOf(refusal)) };
}

/** Nothing while they close: that they have is told by then. */
async function newsOf(open: JobNewsOf, others: number): Promise<JobNews | undefined> {
  try {
    return await open.next(others);
  } catch (error) {
    if (error instanceof GreenroomError && error.code === 'E_JOB_STORE') return undefined;
    throw error;
  }
}
