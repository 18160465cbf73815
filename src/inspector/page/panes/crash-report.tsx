import { useState } from 'preact/hooks';
import { Empty } from '../shell/empty.tsx';
import { crashMarkdown, eventsBefore } from '../store/crash.ts';
import { eventText, restartsText, timeText } from '../store/format.ts';
import type { ActorState } from '../store/model.ts';
import { usePage } from '../store/page.ts';
import './crash-report.css';
import { LastOutput } from './last-output.tsx';
import { exitText } from './process-view.tsx';

/** The last crash of a plugin at the instant: what it died of, what it said, and what came before; and its other ones. */
export function CrashReport({ actor: { id, lastCrash } }: { readonly actor: ActorState }) {
  const page = usePage();
  const [copied, setCopied] = useState('');
  const history = page.history.value;
  if (lastCrash === undefined || history === undefined) return <Empty title="No crashes" />;
  const { seq, at, error, exit, output, generation, restarts } = lastCrash;
  const rows = eventsBefore(history, lastCrash);
  const crashes = history.recordsOf(id).filter((record) => record.kind === 'crash');
  const copy = (): void => {
    navigator.clipboard.writeText(crashMarkdown(lastCrash, rows, exitText(exit))).then(
      () => setCopied('Copied'),
      () => setCopied('The browser does not allow copying'),
    );
  };
  return (
    <article class="crash">
      <p class="crash-title">
        <b>{error.code}</b> <bdi>{error.message}</bdi>
      </p>
      <p class="muted">
        {timeText(at)} · {exitText(exit)} · worker {generation} · {restartsText(restarts)}
      </p>
      <div class="buttons">
        <button type="button" onClick={() => page.lookAt(seq)}>
          Show everything at the crash
        </button>
        <button type="button" onClick={copy}>
          Copy as Markdown
        </button>
        <span role="status">{copied}</span>
      </div>
      {crashes.length > 1 && (
        <nav class="crash-list" aria-label="Crashes">
          {crashes.length} crashes:
          {crashes.map((crash) => (
            <button
              key={crash.seq}
              type="button"
              class="small mono"
              aria-current={crash.seq === seq}
              onClick={() => page.lookAt(crash.seq)}
            >
              {timeText(crash.at)} {crash.error.code}
            </button>
          ))}
        </nav>
      )}
      <LastOutput text={output} />
      <h3>The last {rows.length} events</h3>
      <ol class="crash-events mono">
        {rows.map((row) => (
          <li key={row.seq} data-error={row.isError}>
            <span class="muted">{timeText(row.at)}</span> {eventText(row.type)}{' '}
            {row.transition !== undefined && `${row.transition.from} → ${row.transition.to} `}
            <bdi class="muted">{row.note}</bdi>
          </li>
        ))}
      </ol>
    </article>
  );
}
