// @ts-check
// How many chunks a second does a Node worker stream?
import { BARE_NODE, withBare } from '../lib/bare.mjs';
import { withFolder, withSupervisor } from '../lib/host.mjs';
import { compare, ratioRow, timed } from '../lib/measure.mjs';

const CHUNKS = 10_000;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withFolder((folder) =>
    withBare({ command: BARE_NODE, folder, count: 2 }, ([raw, control]) =>
      withSupervisor(async (supervisor) => {
        const comparison = await compare(
          {
            reference: () => rate(chunksOf(raw.client)),
            control: () => rate(chunksOf(control.client)),
            subject: () => rate(supervisor.stream('bench-node', { count: CHUNKS })),
          },
          { repetitions: bench.repetitions, warmup: 5 },
        );
        return [ratioRow('stream, Node worker', 'chunks/s', comparison, { atLeast: 0.7 })];
      }),
    ),
  );

/** @param {AsyncIterable<unknown>} chunks */
async function rate(chunks) {
  let count = 0;
  const time = await timed(async () => {
    for await (const _ of chunks) count += 1;
  });
  if (count !== CHUNKS) throw new Error(`${count} chunks came of ${CHUNKS}.`);
  return CHUNKS / (time / 1_000);
}

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
