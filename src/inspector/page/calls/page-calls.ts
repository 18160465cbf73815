import { signal } from '@preact/signals';
import type { Json } from '../../wire.ts';
import type { PageCallLine, PageCallRequest } from '../../wire-calls.ts';
import type { Page } from '../store/page.ts';

/** The longest call that the runtime takes from a page, in bytes. */
const MAX_BYTES = 2 ** 20;
/** So many calls are remembered. */
const MAX_CALLS = 20;
/** So many chunks of a stream are shown, the first. */
const MAX_CHUNKS = 500;
/** How long what comes is gathered before it is drawn, in milliseconds. */
const DRAW_MS = 100;

/** A call that was made from the page. */
export interface PageCall {
  readonly id: number;
  readonly request: PageCallRequest;
  readonly at: number;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  progress: Extract<PageCallLine, { type: 'progress' }> | undefined;
  readonly chunks: Json[];
  chunkCount: number;
  end: Extract<PageCallLine, { type: 'result' | 'error' }> | undefined;
  /** Why there is no answer. */
  fault: string | undefined;
  cancel(): void;
}

/** What was called from the page, the latest first: remembered nowhere else, as inputs may be secret. */
export const pageCalls = signal<readonly PageCall[]>([]);

let lastId = 0;

/** Calls a plugin. What comes of it shows in {@link pageCalls}. Returns why not where it cannot be sent. */
export function callPlugin(page: Page, request: PageCallRequest): string | undefined {
  const body = JSON.stringify(request);
  const bytes = new Blob([body]).size;
  if (bytes > MAX_BYTES)
    return `This call is ${(bytes / MAX_BYTES).toFixed(1)} MiB. From this page it may be 1 MiB at most: call the plugin from a program.`;
  const leaving = new AbortController();
  lastId += 1;
  const call: PageCall = {
    ...{ id: lastId, request, at: Date.now(), state: 'running', progress: undefined },
    ...{ chunks: [], chunkCount: 0, end: undefined, fault: undefined },
    cancel: () => leaving.abort(),
  };
  pageCalls.value = [call, ...pageCalls.peek()].slice(0, MAX_CALLS);
  void follow(call, body, page.token ?? '', leaving.signal);
  return undefined;
}

async function follow(call: PageCall, body: string, token: string, signal: AbortSignal): Promise<void> {
  const drawing = setInterval(draw, DRAW_MS);
  try {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const response = await fetch('api/call', { method: 'POST', headers, body, signal });
    if (!response.ok || response.body === null) throw new Error((await response.text()).trim());
    for await (const line of linesOf(response.body)) take(call, line);
    if (call.end === undefined) throw new Error('The runtime ended before the call did.');
    call.state = call.end.type === 'result' ? 'done' : 'failed';
  } catch (error) {
    call.state = signal.aborted ? 'cancelled' : 'failed';
    if (!signal.aborted) call.fault = error instanceof Error ? error.message : String(error);
  } finally {
    clearInterval(drawing);
    draw();
  }
}

function take(call: PageCall, line: PageCallLine): void {
  if (line.type === 'progress') call.progress = line;
  else if (line.type !== 'chunk') call.end = line;
  else {
    call.chunkCount += 1;
    if (call.chunks.length < MAX_CHUNKS) call.chunks.push(line.value);
  }
}

function draw(): void {
  pageCalls.value = [...pageCalls.peek()];
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<PageCallLine> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    const lines = (text + (value ?? '')).split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as PageCallLine;
    if (done) return;
  }
}
