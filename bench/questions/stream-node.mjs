// @ts-check
// How many chunks a second does a Node worker stream?
import { withNodeWorkers } from '../lib/calls.mjs';
import { CHUNKS, rateOf } from '../lib/chunks.mjs';
import { compare, ratioRow } from '../lib/measure.mjs';

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withNodeWorkers(async ({ raw, control, supervisor }) => {
    const comparison = await compare(
      {
        reference: () => rateOf(chunksOf(raw.client)),
        control: () => rateOf(chunksOf(control.client)),
        subject: () => rateOf(supervisor.stream('bench-node', { count: CHUNKS })),
      },
      { repetitions: bench.repetitions, warmup: 5 },
    );
    return [ratioRow('stream, Node worker', 'chunks/s', comparison, { atLeast: 0.7 })];
  });

/** @param {import('undici').Dispatcher} client */
async function* chunksOf(client) {
  const body = JSON.stringify({ call: '1', args: [], kwargs: { count: CHUNKS } });
  const response = await client.request({ path: '/stream', method: 'POST', body });
  response.body.setEncoding('utf8');
  let rest = '';
  for await (const text of response.body) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const frame = JSON.parse(line);
      if (frame.end === true) return;
      yield frame.chunk;
    }
  }
}
