import { useEffect, useRef, useState } from 'preact/hooks';
import type { CallFigures } from '../../wire.ts';
import type { CallsNow } from '../../wire-calls.ts';
import type { History } from '../store/history.ts';
import type { Page } from '../store/page.ts';
import { type CallItem, CallLog, withRunning } from './call-log.ts';

/** How long after an answer the runtime is asked again what runs, in milliseconds. */
const ASK_MS = 1_000;

/** The calls of the instant that is looked at, and the figures of all as far as they are known. */
export interface Calls {
  readonly items: readonly CallItem[];
  readonly figures: readonly CallFigures[];
  /** Whether inputs and outputs are kept; undefined where that is not known. */
  readonly payloads: boolean | undefined;
  /** How many calls run that are not listed. */
  readonly unlisted: number;
}

/** The calls of a session stay known while the page shows something else. */
const logs = new WeakMap<History, CallLog>();

/** The calls of one plugin, or of all. In the present they are those of a second ago at most. */
export function useCalls(page: Page, plugin: string | undefined): Calls {
  const [history, cursor, source] = [page.history.value, page.cursor.value, page.source.value];
  const isLive = cursor === undefined && source.kind === 'stream' && source.state === 'live';
  const now = useCallsNow(page, history, plugin, isLive);
  if (history === undefined) return { items: [], figures: [], payloads: undefined, unlisted: 0 };
  const log = logOf(history);
  log.follow(history);
  const told = log.at(page.moment.value);
  const figures = now?.figures ?? figuresIn(history, plugin);
  if (!isLive || now === undefined) return { items: told, figures, payloads: now?.payloads, unlisted: 0 };
  const { at, running, runningCount, payloads } = now;
  const unlisted = runningCount - running.length;
  const ofOthers = (item: CallItem): boolean => plugin !== undefined && item.plugin !== plugin;
  const own = told.filter((item) => !ofOthers(item));
  return { items: withRunning(own, running, { at, isAll: unlisted === 0 }), figures, payloads, unlisted };
}

function logOf(history: History): CallLog {
  const known = logs.get(history);
  if (known !== undefined) return known;
  const log = new CallLog();
  logs.set(history, log);
  return log;
}

/** The figures that a session file brings. */
function figuresIn({ known }: History, plugin: string | undefined): readonly CallFigures[] {
  const all = ('calls' in known ? known.calls : undefined) ?? [];
  return all.filter((each) => (plugin === undefined ? each.tool === undefined : each.plugin === plugin));
}

/** What the runtime says of the calls, again and again while it is live; what it said last when it is not any more. */
function useCallsNow(
  page: Page,
  history: History | undefined,
  plugin: string | undefined,
  isLive: boolean,
): CallsNow | undefined {
  const [said, setSaid] = useState<{ readonly of: string; readonly now: CallsNow } | undefined>(undefined);
  // Calls that have failed may be forgotten here and not there: asked for once a session.
  const asked = useRef<History>(undefined);
  const of = plugin ?? '';
  useEffect(() => {
    const { token } = page;
    if (!isLive || token === undefined || history === undefined) return undefined;
    const ending = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      const query = new URLSearchParams(plugin === undefined ? {} : { plugin });
      if (asked.current !== history) query.set('past', '1');
      const { signal } = ending;
      try {
        const headers = { authorization: `Bearer ${token}` };
        const response = await fetch(`api/calls?${query.toString()}`, { headers, signal });
        if (response.ok) {
          const now = (await response.json()) as CallsNow;
          for (const record of now.past ?? []) logOf(history).add(record);
          if (now.past !== undefined) asked.current = history;
          setSaid({ of, now });
        }
      } catch {
        // The stream tells that the runtime is gone.
      }
      if (!signal.aborted) timer = setTimeout(() => void ask(), ASK_MS);
    };
    void ask();
    return () => {
      ending.abort();
      clearTimeout(timer);
    };
  }, [page, history, plugin, isLive]);
  return said?.of === of ? said.now : undefined;
}
