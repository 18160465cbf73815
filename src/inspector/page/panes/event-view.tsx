import { useEffect, useState } from 'preact/hooks';
import { placeAfter, seqOf } from '../../binary-search.ts';
import type { ActorId, Json } from '../../wire.ts';
import { LinesBeside } from '../logs/lines-beside.tsx';
import { Empty } from '../shell/empty.tsx';
import { jsonText } from '../store/format.ts';
import { usePage } from '../store/page.ts';

/** What happened at the instant that is looked at: the event, where it led, and all that they say. */
export function EventView() {
  const page = usePage();
  const cursor = page.cursor.value ?? -1;
  const { shown } = page.rows.value;
  const row = shown[placeAfter(shown, cursor, seqOf) - 1];
  const isOfRow = row !== undefined && (row.seq === cursor || row.transition?.seq === cursor);
  const record = isOfRow ? row.record : page.history.value?.record(cursor);
  const transition = isOfRow && row.transition !== record ? row.transition : undefined;
  if (record === undefined) return <Empty title="No event at this instant">Select a row in the events pane.</Empty>;
  return (
    <>
      <pre class="code">{jsonText(record as unknown as Json)}</pre>
      {transition !== undefined && (
        <>
          <h3>led to</h3>
          <pre class="code">{jsonText(transition as unknown as Json)}</pre>
        </>
      )}
      <LinesBeside at={record.at} plugin={pluginOf(record.actor)} />
      {record.payloadSize !== undefined && <Payload key={record.seq} seq={record.seq} size={record.payloadSize} />}
    </>
  );
}

/** The plugin that an actor is of. */
function pluginOf(id: ActorId): string | undefined {
  return /^plugin:(.*)$|^worker:(.*)#\d+$/s
    .exec(id)
    ?.slice(1)
    .find((name) => name !== undefined);
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
    fetch(`api/payload/${seq}`, { headers: { authorization: `Bearer ${token}` }, signal: asked.signal })
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
