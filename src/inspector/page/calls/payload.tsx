import { useEffect, useState } from 'preact/hooks';
import type { CallPayload, Json } from '../../wire.ts';
import { jsonText } from '../store/format.ts';
import { usePage } from '../store/page.ts';
import type { CallItem } from './call-log.ts';

/** What a call was given and gave: fetched when it is looked at. */
export function Payload({ item }: { readonly item: CallItem }) {
  const page = usePage();
  const isLive = page.source.value.kind === 'stream' && page.token !== undefined && !page.hasEnded.value;
  const path = pathOf(item);
  const found = useFetched(isLive && item.payload === undefined ? path : undefined, page.token);
  const payload = item.payload ?? found.payload;
  if (payload === undefined) {
    const why =
      found.error ??
      (path === undefined
        ? undefined
        : isLive
          ? 'Fetching its input and output …'
          : 'Its input and output are not in this session.');
    return why === undefined ? null : <p class="muted">{why}</p>;
  }
  // At an instant at which it still ran there was no output.
  const isYetToEnd = item.state === 'running' && item.endSeq !== undefined;
  const { input, output, chunks, stack }: CallPayload = isYetToEnd ? { input: payload.input } : payload;
  return (
    <>
      {stack !== undefined && <Part title="Traceback" value={stack} />}
      {input !== undefined && <Part title="Input" value={input} />}
      {output !== undefined && <Part title={chunks === undefined ? 'Output' : chunksText(chunks)} value={output} />}
    </>
  );
}

function Part({ title, value }: { readonly title: string; readonly value: Json }) {
  return (
    <>
      <h3>{title}</h3>
      <pre class="code">{typeof value === 'string' ? value : jsonText(value)}</pre>
    </>
  );
}

const chunksText = (chunks: number): string => `The first of ${chunks.toLocaleString()} chunks`;

/** Where there is something to fetch of a call; undefined where there is nothing. */
function pathOf({ state, call, endSeq, payloadSize }: CallItem): string | undefined {
  if (state === 'running' && endSeq === undefined) return `api/calls/${call}`;
  return payloadSize === undefined || endSeq === undefined ? undefined : `api/payload/${endSeq}`;
}

function useFetched(
  path: string | undefined,
  token: string | undefined,
): { readonly payload?: CallPayload | undefined; readonly error?: string | undefined } {
  const [found, setFound] = useState<{ path: string; payload?: CallPayload; error?: string } | undefined>(undefined);
  useEffect(() => {
    if (path === undefined || token === undefined) return undefined;
    const asked = new AbortController();
    fetch(path, { headers: { authorization: `Bearer ${token}` }, signal: asked.signal })
      .then(async (response) => {
        if (response.ok) setFound({ path, payload: ((await response.json()) as CallPayload | null) ?? {} });
        else setFound({ path, error: 'Its input and output are no longer kept.' });
      })
      .catch((error: unknown) => !asked.signal.aborted && setFound({ path, error: String(error) }));
    return () => asked.abort();
  }, [path, token]);
  return found !== undefined && found.path === path ? found : {};
}
