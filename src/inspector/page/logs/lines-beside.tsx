import { useEffect, useState } from 'preact/hooks';
import type { LogLine } from '../../wire-logs.ts';
import { usePage } from '../store/page.ts';
import { LineRow } from './line-row.tsx';
import { fetchLogPage } from './log-source.ts';
import './logs.css';

/** How many lines are shown before and after an instant. */
const COUNT = 4;

/** What {@link LinesBeside} is beside. */
export interface LinesBesideProps {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Undefined: all plugins. */
  readonly plugin: string | undefined;
}

/** The lines that were printed around the instant of an event. Nothing where there are none, or no runtime to ask. */
export function LinesBeside({ at, plugin }: LinesBesideProps) {
  const page = usePage();
  const { token } = page;
  const isLive = page.source.value.kind === 'stream' && token !== undefined;
  const [lines, setLines] = useState<readonly LogLine[]>([]);
  useEffect(() => {
    if (!isLive) return undefined;
    const asked = new AbortController();
    const query = { plugin, text: '', level: undefined };
    const ask = async (to: 'before' | 'after'): Promise<readonly LogLine[]> =>
      (await fetchLogPage(token, query, { to, at, count: COUNT }, asked.signal)).lines;
    Promise.all([ask('before'), ask('after')]).then(
      (found) => setLines(found.flat()),
      () => !asked.signal.aborted && setLines([]),
    );
    return () => asked.abort();
  }, [isLive, token, plugin, at]);
  if (!isLive || lines.length === 0) return null;
  const show = (): void => {
    page.tab.value = 'logs';
  };
  return (
    <>
      <h3>
        Log lines around it{' '}
        <button type="button" class="small" onClick={show}>
          Show in the log
        </button>
      </h3>
      <div class="lines-beside" role="table" aria-label="Log lines around the event">
        {lines.map((line, index) => (
          <LineRow
            key={line.place}
            row={line}
            place={index + 1}
            isOfAll={plugin === undefined}
            isLater={line.at > at}
            isCurrent={false}
            onChoose={show}
          />
        ))}
      </div>
    </>
  );
}
