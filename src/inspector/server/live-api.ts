import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { give, SECURITY_HEADERS, say } from '../../server/answer.ts';
import { readBody } from '../../server/body.ts';
import type { Exchange, Route } from '../../server/route.ts';
import type { Recorder } from '../record/recorder.ts';
import { giveCalls, giveRunningCall } from './calls-api.ts';
import type { Control } from './control.ts';
import { type Encoding, Follower } from './follower.ts';
import type { Api } from './front.ts';
import type { JobsApi } from './jobs-api.ts';
import { limitedReaders } from './limited-readers.ts';
import type { LogsApi } from './logs-api.ts';
import { MAX_CALL_BODY } from './page-call.ts';

/** Of so many plugins rates are given at once. */
const MAX_RATES = 100;
/** The longest body of a request, in bytes. */
const MAX_BODY = 4_096;

/** Shows a running supervisor, as it is recorded. */
export class LiveApi implements Api {
  readonly routes: readonly Route[];
  readonly #recorder: Recorder;
  readonly #control: Control | undefined;
  /** How to write the last records to each reader, and end. */
  readonly #followers = new Set<() => void>();
  readonly #logs: LogsApi;
  readonly #jobs: JobsApi;

  /** @param control acts for the page; undefined: nothing may be done */
  constructor(recorder: Recorder, control: Control | undefined, logs: LogsApi, jobs: JobsApi) {
    this.#recorder = recorder;
    this.#control = control;
    this.#logs = logs;
    this.#jobs = jobs;
    const reading = limitedReaders();
    this.routes = [
      reading('/api/stream', ({ request, response }) => this.#stream(request, response)),
      reading('/api/snapshot', ({ response }) => give(response, 'application/json', recorder.sync(this.control))),
      reading('/api/export', ({ response }) => this.#export(response)),
      reading('/api/payload/:seq', ({ params, response }) => this.#givePayload(params['seq'] ?? '', response)),
      reading('/api/calls', (exchange) => giveCalls(recorder, exchange)),
      reading('/api/calls/:call', ({ params, response }) => giveRunningCall(recorder, params['call'] ?? '', response)),
      { method: 'GET', path: '/api/rates', access: 'token', handle: (exchange) => this.#giveRates(exchange) },
      ...logs.routes,
      ...jobs.routes,
      ...(control === undefined ? [] : [acting(control), calling(control), tools(control), actingOnJobs(control)]),
    ];
  }

  get control(): boolean {
    return this.#control !== undefined;
  }

  finish(): void {
    for (const finish of [...this.#followers]) finish();
    this.#logs.finish();
    this.#jobs.finish();
  }

  /** A small answer that is asked for again and again: readers are not counted by it. */
  #giveRates({ query, response }: Exchange): void {
    const since = Number(query.get('since') ?? 0);
    const plugins = query.getAll('plugin').slice(0, MAX_RATES);
    give(
      response,
      'application/json',
      JSON.stringify(this.#recorder.rates(plugins, Number.isFinite(since) ? since : 0)),
    );
  }

  #givePayload(seq: string, response: ServerResponse): void {
    const found = /^\d{1,15}$/.test(seq) ? this.#recorder.journal.payload(Number(seq)) : undefined;
    if (found === undefined) say(response, { status: 404, message: 'The payload of this event is not kept any more.' });
    else give(response, 'application/json', found);
  }

  #stream(request: IncomingMessage, response: ServerResponse): void {
    const { journal } = this.#recorder;
    const given = request.headers['last-event-id'];
    const last = typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : undefined;
    // The connection ends with the stream: the server would wait for it before it closes.
    const type = 'text/event-stream; charset=utf-8';
    response.writeHead(200, { ...SECURITY_HEADERS, 'content-type': type, connection: 'close' });
    if (request.method === 'HEAD') return void response.end();
    response.flushHeaders();
    const encoding: Encoding = {
      sync: () => {
        const text = this.#recorder.sync(this.control);
        return { text: eventOf('sync', journal.seq, text), seq: journal.seq };
      },
      batch: (records, seq) => eventOf('batch', seq, `[${records.join(',')}]`),
      drop: (from, to) => eventOf('drop', to, JSON.stringify({ from, to })),
    };
    const release = this.#recorder.look();
    // One that has more than there is was not ours.
    const known = last !== undefined && last <= journal.seq ? last : undefined;
    const follower = new Follower(journal, response, encoding, known);
    const end = (): void => {
      follower.close();
      release();
      this.#followers.delete(finish);
    };
    const finish = (): void => {
      follower.flush();
      end();
      response.end();
    };
    this.#followers.add(finish);
    response.once('close', end);
  }

  /** Piece by piece, as fast as it is read. */
  async #export(response: ServerResponse): Promise<void> {
    const lines = [this.#recorder.header(this.control), ...this.#recorder.journal.all()];
    response.writeHead(200, {
      ...SECURITY_HEADERS,
      'content-type': 'application/x-ndjson; charset=utf-8',
      'content-disposition': 'attachment; filename="greenroom-session.ndjson"',
    });
    await pipeline(Readable.from(lines.map((line) => `${line}\n`)), response);
  }
}

/** A route that takes JSON of at most so many bytes. */
function taking(
  path: string,
  maxBytes: number,
  handle: (body: string, response: ServerResponse) => void | Promise<void>,
): Route {
  return {
    method: 'POST',
    path,
    access: 'token',
    takesBody: true,
    async handle({ request, response }: Exchange) {
      // Of another type, a page from elsewhere could send it unasked.
      if (!/^application\/json\s*(;|$)/.test(request.headers['content-type'] ?? ''))
        return say(response, { status: 415, message: 'Send application/json.' });
      return handle((await readBody(request, response, maxBytes)).toString('utf8'), response);
    },
  };
}

const acting = (control: Control): Route =>
  taking('/api/control', MAX_BODY, (body, response) => {
    const { status, answer } = control.ask(body);
    give(response, 'application/json', JSON.stringify(answer), status);
  });

const actingOnJobs = (control: Control): Route =>
  taking('/api/jobs', MAX_BODY, async (body, response) => {
    const { status, answer } = await control.actOnJobs(body);
    give(response, 'application/json', JSON.stringify(answer), status);
  });

const calling = (control: Control): Route =>
  taking('/api/call', MAX_CALL_BODY, async (body, response) => {
    const refused = await control.call(body, response);
    if (refused !== undefined) give(response, 'application/json', JSON.stringify(refused.answer), refused.status);
  });

const tools = (control: Control): Route => ({
  method: 'GET',
  path: '/api/tools/:plugin',
  access: 'token',
  async handle({ params, response }) {
    const answer = await control.tools(params['plugin'] ?? '');
    if (answer === undefined) say(response, { status: 404, message: 'This plugin no longer exists.' });
    else give(response, 'application/json', JSON.stringify(answer));
  },
});

/** A server-sent event. JSON has no line breaks, so its data is one line. */
function eventOf(event: string, seq: number, data: string): string {
  return `id: ${seq}\nevent: ${event}\ndata: ${data}\n\n`;
}
