import type { ServerResponse } from 'node:http';
import { give } from '../../server/answer.ts';
import type { Exchange } from '../../server/route.ts';
import type { Recorder } from '../record/recorder.ts';

/** Answers `GET /api/calls`: see {@link CallsNow}. */
export function giveCalls(recorder: Recorder, { query, response }: Pick<Exchange, 'query' | 'response'>): void {
  recorder.settle();
  const plugin = query.get('plugin') ?? undefined;
  const text = JSON.stringify(recorder.calls?.now(plugin) ?? {});
  // Records are kept as JSON, so they are put before the closing bracket rather than parsed and written again.
  const past = query.has('past') ? `,"past":[${recorder.journal.notableCalls().join(',')}]` : '';
  give(response, 'application/json', `${text.slice(0, -1)}${past}}`);
}

/** Answers `GET /api/calls/CALL`: what a running call was given and has given so far; null where it has ended. */
export function giveRunningCall(recorder: Recorder, call: string, response: ServerResponse): void {
  give(response, 'application/json', JSON.stringify(recorder.calls?.payloadOf(call) ?? null));
}
