import { useEffect, useState } from 'preact/hooks';
import type { Json } from '../../wire.ts';
import { Empty } from '../shell/empty.tsx';
import { jsonText } from '../store/format.ts';
import { usePage } from '../store/page.ts';

/** The record at the instant that is looked at, with all that it says. */
export function EventView() {
  const page = usePage();
  const record = page.cursor.value === undefined ? undefined : page.history.value?.record(page.cursor.value);
  if (record === undefined)
    return <Empty title="Nothing happened at just this instant">Select a row of the events.</Empty>;
  return (
    <>
      <pre class="code">{jsonText(record as unknown as Json)}</pre>
      {record.payloadSize !== undefined && <Payload key={record.seq} seq={record.seq} size={record.payloadSize} />}
    </>
  );
}

/** What is too long to come with its record, when it is asked for. */
function Payload({ seq, size }: { readonly seq: number; readonly size: number }) {
  const page = usePage();
  const [text, setText] = useState<string | undefined>(undefined);
  const [isWanted, setWanted] = useState(false);
  const { token } = page;
  const isLive = page.source.value.kind === 'stream' && token !== undefined;
  useEffect(() => {
    if (!isWanted || token === undefined) return undefined;
    const asked = new AbortController();
    fetch(`/api/payload/${seq}`, { headers: { authorization: `Bearer ${token}` }, signal: asked.signal })
      .then(async (response) =>
        setText(response.ok ? jsonText((await response.json()) as Json) : await response.text()),
      )
      .catch((error: unknown) => !asked.signal.aborted && setText(String(error)));
    return () => asked.abort();
  }, [isWanted, seq, token]);
  if (!isLive)
    return <p class="muted">It says more, in {size.toLocaleString()} characters that are not in this session.</p>;
  if (text !== undefined) return <pre class="code">{text}</pre>;
  return (
    <button type="button" disabled={isWanted} onClick={() => setWanted(true)}>
      Fetch all of it, {size.toLocaleString()} characters
    </button>
  );
}
