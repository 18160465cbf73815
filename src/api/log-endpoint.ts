import { z } from 'zod';
import { printedJson } from '../json/printed-json.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import { give } from '../server/answer.ts';
import { EventStream } from '../server/event-stream.ts';
import { checkedQuery, type Endpoint, endpoint, goneSignal } from './endpoint.ts';
import { flag, logSchema, numeral } from './schemas.ts';

const query = z.strictObject({
  lines: numeral.optional().describe('How many of the last lines; default 100.'),
  follow: flag.optional().describe('Goes on with new lines, as events.'),
});

/** The endpoint that gives the last lines that a plugin printed, and with `follow` each new one as an event `line`. */
export function logEndpoint(supervisor: Supervisor): Endpoint {
  return endpoint(
    {
      method: 'GET',
      path: '/plugins/:name/logs',
      summary: 'The last lines that its workers printed; with `follow`, new ones too.',
      query,
      answer: logSchema,
      also: { 'text/event-stream': 'With `follow`: events `line`, each with the line as a JSON text.' },
    },
    async ({ params, query: given, response }) => {
      const { name = '' } = params;
      const { follow, ...rest } = checkedQuery(query, given);
      const lines = rest.lines === undefined ? {} : { lines: rest.lines };
      if (follow !== true) {
        return give(response, 'application/json', printedJson({ text: await supervisor.logs(name, lines) }));
      }
      supervisor.plugin(name);
      const log = supervisor.logs(name, { ...lines, follow: true, signal: goneSignal(response) });
      const events = new EventStream(response);
      // Nothing is read before the first line is asked for.
      if (events.closed) return;
      for await (const line of log) if (!events.send('line', JSON.stringify(line))) await events.drained();
      events.end();
    },
  );
}
