import { once } from 'node:events';
import { SECURITY_HEADERS } from '../../server/answer.ts';
import type { Exchange } from '../../server/route.ts';

/** Streams of news, a line of JSON for each, that are open at an interface of the inspector. */
export class LineStreams {
  readonly #open = new Set<AbortController>();

  /**
   * Answers with what comes, as fast as the reader takes it; resolves when the stream has ended, or the reader is gone.
   * Rejects with what `news` throws.
   *
   * @param news what is told until its signal is aborted; not asked for where only the head of the answer is
   */
  async send({ request, response }: Exchange, news: (signal: AbortSignal) => AsyncIterable<unknown>): Promise<void> {
    const stream = new AbortController();
    const { signal } = stream;
    this.#open.add(stream);
    const leave = (): void => {
      this.#open.delete(stream);
      stream.abort();
    };
    response.once('close', leave);
    try {
      // The connection ends with the stream: the server would wait for it before it closes.
      const type = 'application/x-ndjson; charset=utf-8';
      response.writeHead(200, { ...SECURITY_HEADERS, 'content-type': type, connection: 'close' });
      response.flushHeaders();
      if (request.method !== 'HEAD') {
        for await (const each of news(signal)) {
          if (!response.write(`${JSON.stringify(each)}\n`)) await once(response, 'drain', { signal }).catch(() => {});
        }
      }
      response.end();
    } finally {
      leave();
    }
  }

  /** Ends them. */
  finish(): void {
    for (const stream of this.#open) stream.abort();
  }
}
