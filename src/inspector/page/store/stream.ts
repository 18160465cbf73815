import type { Batch, Drop, Sync } from '../../wire.ts';

/** What is told of a stream. */
export interface StreamListener {
  /** It has begun, or begun anew after a gap: this is everything. */
  onSync(sync: Sync): void;
  onBatch(records: Batch): void;
  /** So many records will not come. */
  onDrop(count: number): void;
  onConnection(connection: StreamState): void;
  /** There is no stream behind the page but a session in a file, which this is. */
  onSession(file: File): void;
}

/**
 * How a stream stands. `refused`: the token is not the one of the runtime that answers; `full`: the runtime has as many
 * readers as it takes, and is asked again; `lost`: it has not answered several times over, and is still asked now and then.
 */
export type StreamState = 'opening' | 'live' | 'reconnecting' | 'full' | 'lost' | 'refused';

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;
/** The status of the answer to a reader too many, and when that asks again, in milliseconds. */
const TOO_MANY = 429;
const FULL_WAIT_MS = 2_000;
/** After so many attempts without an answer the runtime is taken for ended. */
const LOST_AFTER = 5;

/** Reads the runtime's stream until the signal aborts, and resumes it whenever it breaks. */
export async function followStream(token: string, listener: StreamListener, signal: AbortSignal): Promise<void> {
  let last: string | undefined;
  let failures = 0;
  listener.onConnection('opening');
  while (!signal.aborted) {
    try {
      const response = await fetch('api/stream', {
        headers: { authorization: `Bearer ${token}`, ...(last !== undefined && { 'last-event-id': last }) },
        cache: 'no-store',
        signal,
      });
      if (response.status === 401 || response.status === 403) return listener.onConnection('refused');
      if (response.status === TOO_MANY) {
        failures = 0;
        listener.onConnection('full');
        await pause(FULL_WAIT_MS, signal);
        continue;
      }
      if (!response.ok || response.body === null)
        throw new Error(`The runtime answered with status ${response.status}.`);
      const session = response.headers.get('greenroom-session');
      if (session !== null) {
        return listener.onSession(new File([await response.blob()], decodeURIComponent(session)));
      }
      listener.onConnection('live');
      for await (const { id, event, data } of eventsOf(response.body)) {
        failures = 0;
        const value: unknown = JSON.parse(data);
        if (event === 'sync') listener.onSync(value as Sync);
        else if (event === 'batch') listener.onBatch(value as Batch);
        else if (event === 'drop') listener.onDrop((value as Drop).to - (value as Drop).from + 1);
        last = id;
      }
    } catch {
      // Whatever broke it, the way back is the same.
    }
    if (signal.aborted) return;
    failures += 1;
    listener.onConnection(failures > LOST_AFTER ? 'lost' : 'reconnecting');
    await pause(Math.min(FIRST_WAIT_MS * 2 ** (failures - 1), LONGEST_WAIT_MS), signal);
  }
}

interface ServerEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let parts: string[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    // A sync comes in many pieces; it is looked for in the last two only.
    const seam = (parts.at(-1)?.endsWith('\n') ?? false) && value.startsWith('\n');
    parts.push(value);
    if (!seam && !value.includes('\n\n')) continue;
    const events = parts.join('').split('\n\n');
    parts = [events.pop() ?? ''];
    for (const text of events) {
      const fields = text.split('\n').map((line) => line.slice(line.indexOf(' ') + 1));
      yield { id: fields[0] ?? '', event: fields[1] ?? '', data: fields[2] ?? '' };
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
