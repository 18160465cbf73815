import type { Json } from '../../wire.ts';
import { jsonText } from '../store/format.ts';
import { preciseText } from './call-text.ts';
import type { PageCall } from './page-calls.ts';

/** What came of a call of the page, as far as it has come. */
export function PageResult({ call }: { readonly call: PageCall }) {
  const { state, progress, chunks, chunkCount, end, fault } = call;
  const left = chunkCount - chunks.length;
  return (
    <section class="page-result" aria-label="What came of it" aria-live="polite">
      <p data-state={state}>
        <b>{TITLES[state]}</b>
        {end !== undefined && ` after ${preciseText(end.tookMs)}`}
        {state === 'running' && progress !== undefined && ` · ${Math.round(progress.progress * 100)} %`}
        {state === 'running' && progress?.message !== undefined && ` · ${progress.message}`}
        {chunkCount > 0 && ` · ${chunkCount.toLocaleString()} chunks`}
      </p>
      {fault !== undefined && <p class="call-error">{fault}</p>}
      {end?.type === 'error' && (
        <>
          <p class="call-error">
            {end.code} {end.message}
          </p>
          {end.stack !== undefined && <pre class="code">{end.stack}</pre>}
        </>
      )}
      {chunks.length > 0 && <pre class="code">{chunks.map(lineOf).join('\n')}</pre>}
      {left > 0 && <p class="muted">{left.toLocaleString()} further chunks are not shown.</p>}
      {end?.type === 'result' && chunkCount === 0 && (
        <pre class="code">{typeof end.value === 'string' ? end.value : jsonText(end.value)}</pre>
      )}
    </section>
  );
}

const TITLES = { running: 'Running', done: 'Done', failed: 'Failed', cancelled: 'Cancelled' } as const;

const lineOf = (chunk: Json): string => (typeof chunk === 'string' ? chunk : JSON.stringify(chunk));
