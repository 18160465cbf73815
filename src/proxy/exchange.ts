// Longer than others because it is one thing, the state of an exchange between two connections that each may end at any time.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { GreenroomError } from '../errors.ts';
import type { ExchangeOptions } from './connection.ts';
import { destroyUnfinished } from './destroy-connection.ts';
import { discardRest } from './discard-rest.ts';
import type { ForwardOptions } from './forward.ts';
import { badRequest, type Framing, framingOf, upstreamPath } from './framing.ts';
import { answerHead, requestHeaders, trailersOf, without } from './headers.ts';
import { IdleTimer } from './idle-timer.ts';
import type { ForwardOutcome } from './outcome.ts';
import { type BodyWatcher, RequestBody } from './request-body.ts';
import { keepBody, keptBody, SMALL_BODY } from './small-body.ts';
import type { Upstream } from './upstream.ts';

/** How much of a diverted answer is kept, in bytes. */
const MAX_DIVERTED = 64 * 1024;

/** A head that is written together with the first bytes after it. */
interface Head {
  readonly status: number;
  readonly text: string;
  readonly headers: string[];
}

/** An answer that is not passed on. */
interface Diverted {
  readonly take: (body: Buffer) => void;
  readonly parts: Buffer[];
  length: number;
}

/** One exchange between a client and a server; see `forward()`. It is the handler of undici's `dispatch` itself. */
export class Exchange implements Dispatcher.DispatchHandler, BodyWatcher {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #upstream: Upstream;
  readonly #options: ForwardOptions;
  readonly #resolve: (outcome: ForwardOutcome) => void;
  readonly #idle: IdleTimer;
  readonly #clientIdle: IdleTimer;
  #abort: ((error?: Error) => void) | undefined;
  #resume: (() => void) | undefined;
  #body: RequestBody | undefined;
  /** The body's source is read and was not read to its end. */
  #reading = false;
  #head: Head | undefined;
  #first: Buffer | undefined;
  #diverted: Diverted | undefined;
  #status = 0;
  /** The head is out. */
  #begun = false;
  #bodySent = false;
  #blocked = false;
  /** The whole answer has come. */
  #complete = false;
  /** Decided before the client's connection has ended. */
  #verdict: ForwardOutcome | undefined;
  #settled = false;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    upstream: Upstream,
    options: ForwardOptions,
    resolve: (outcome: ForwardOutcome) => void,
  ) {
    this.#request = request;
    this.#response = response;
    this.#upstream = upstream;
    this.#options = options;
    this.#resolve = resolve;
    this.#idle = new IdleTimer(options.idleMs, () => this.#stall(options.idleMs));
    this.#clientIdle = new IdleTimer(options.clientIdleMs, () => {
      // The server may take its time.
      if (this.#awaitsClient) this.#stall(options.clientIdleMs);
      else this.#clientIdle.touch();
    });
  }

  start(): void {
    const { signal, body, bodyLength } = this.#options;
    const framing = this.#framing();
    const kept = keptBody(this.#request);
    if (framing instanceof Error) return this.#settle({ kind: 'badRequest', error: framing });
    if (this.#response.destroyed || this.#request.socket.destroyed) return this.#settle({ kind: 'clientGone' });
    if (signal?.aborted === true) return this.#settle({ kind: 'aborted', begun: false, error: signal.reason });
    signal?.addEventListener('abort', this.#onSignal);
    this.#response.on('close', this.#onClose);
    // The answer to a request that came before its predecessor's was out has no connection yet to hear of.
    if (this.#response.socket === null) this.#request.socket.once('close', this.#onClose);
    this.#request.socket.setNoDelay(true);
    if (body instanceof Uint8Array) this.#send(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
    else if (body !== undefined) this.#sendStream(body, bodyLength);
    else if (framing === 'none' || framing === 0) this.#send(null);
    else if (kept !== undefined) this.#send(kept);
    else if (framing === 'chunked') this.#sendStream(this.#request, undefined);
    else if (framing <= SMALL_BODY && !this.#expectsContinue()) this.#collect(framing);
    else this.#sendStream(this.#request, framing);
  }

  onWanted(): void {
    this.#reading = true;
    if (this.#expectsContinue()) this.#response.writeContinue();
  }

  onChunk(): void {
    this.#touch();
  }

  onBroken(error: Error): void {
    if (this.#options.body === undefined) this.#clientGone();
    else this.#stop(error, { kind: 'aborted', begun: this.#begun, error });
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#abort = abort;
    if (this.#settled || this.#verdict !== undefined) abort(new Error('The exchange is over.'));
    this.#touch();
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void, text: string): boolean {
    this.#touch();
    if (status < 200) {
      this.#inform(status, raw);
      return true;
    }
    const { headers: all, codings, sized, trailer } = answerHead(raw, this.#options.dropOfAnswer);
    const headers = status === 204 && sized ? without(all, (name) => name === 'content-length') : all;
    const bodyless = this.#request.method === 'HEAD' || status === 204 || status === 304;
    if (codings !== undefined && codings !== 'chunked' && !bodyless) {
      this.#abort?.(new Error(`Transfer-Encoding of the answer: expected chunked alone, got "${codings}".`));
      return false;
    }
    this.#resume = resume;
    this.#status = status;
    if (trailer !== undefined && !sized && !bodyless && this.#request.httpVersion !== '1.0')
      headers.push('Trailer', trailer);
    this.#head = { status, text, headers };
    const take = this.#options.divert?.(status, headers);
    if (take !== undefined) {
      this.#head = undefined;
      this.#diverted = { take, parts: [], length: 0 };
      if (bodyless) this.#end([]);
      return true;
    }
    this.#options.onResponse?.(status, headers);
    // What undici reads of such an answer says nothing: to it, a Content-Length without a body is an error.
    if (bodyless) this.#end([]);
    else queueMicrotask(() => this.#flush());
    return true;
  }

  onData(chunk: Buffer): boolean {
    if (this.#over) return true;
    this.#touch();
    if (this.#diverted !== undefined) {
      this.#keep(this.#diverted, chunk);
      return true;
    }
    // Often all of an answer comes at once, and then it leaves at once; otherwise the microtask is next.
    if (this.#head !== undefined && this.#first === undefined) this.#first = chunk;
    else {
      this.#flush();
      this.#write(chunk);
    }
    return !this.#blocked;
  }

  onComplete(trailers: (string | Buffer)[] | null): void {
    if (!this.#over) this.#end(trailersOf(trailers ?? []));
  }

  onError(error: Error): void {
    if (this.#over) return;
    this.#complete = true;
    this.#fail(error);
  }

  /** Nothing that comes from the server counts any more. */
  get #over(): boolean {
    return this.#settled || this.#complete || this.#verdict !== undefined;
  }

  #framing(): Framing | Error {
    if (this.#request.method === 'CONNECT') return badRequest('CONNECT is not forwarded.');
    const path = upstreamPath(this.#upstream, this.#path);
    return path instanceof Error ? path : framingOf(this.#request);
  }

  get #path(): string {
    return this.#options.path ?? this.#request.url ?? '/';
  }

  /** Node answers by itself where nobody listens to `checkContinue`, and says so here alone. */
  #expectsContinue(): boolean {
    const { headers, httpVersion } = this.#request;
    if (headers.expect?.toLowerCase() !== '100-continue' || httpVersion === '1.0') return false;
    return !this.#begun && (this.#response as { readonly ['_sent100']?: boolean })['_sent100'] !== true;
  }

  #collect(length: number): void {
    const parts: Buffer[] = [];
    let missing = length;
    const body = new RequestBody(this.#request, this);
    this.#body = body;
    body.on('data', (part: Buffer) => {
      parts.push(part);
      missing -= part.length;
      if (missing > 0) return;
      this.#body = undefined;
      this.#reading = false;
      // The source has nothing left but its end.
      body.destroy();
      this.#request.resume();
      const whole = Buffer.concat(parts, length);
      keepBody(this.#request, whole);
      if (!this.#settled) this.#send(whole);
    });
  }

  #sendStream(source: Readable, length: number | undefined): void {
    const make = (): RequestBody => {
      const body = new RequestBody(source, this);
      body.once('end', () => {
        this.#reading = false;
      });
      this.#body = body;
      return body;
    };
    this.#send(make(), length, () => (this.#body?.begun === true ? undefined : make()));
  }

  #send(body: Buffer | Readable | null, length?: number, rewind?: () => Readable | undefined): void {
    const headers = requestHeaders(this.#request, this.#options.headers, this.#upstream.headers());
    if (length !== undefined) headers.push('content-length', String(length));
    const options: ExchangeOptions = {
      path: `${this.#upstream.prefix}${this.#path}`,
      method: this.#request.method ?? 'GET',
      headers,
      body,
      rewind,
    };
    this.#upstream.dispatcher.dispatch(options, this);
  }

  /** Hints that come before an answer; those that Node's server has no method for are dropped. */
  #inform(status: number, raw: Buffer[]): void {
    if (this.#request.httpVersion === '1.0' || this.#response.headersSent) return;
    if (status === 102) this.#response.writeProcessing();
    if (status !== 103) return;
    const hints: Record<string, string[]> = {};
    const { headers } = answerHead(raw);
    for (let index = 0; index < headers.length; index += 2)
      (hints[(headers[index] ?? '').toLowerCase()] ??= []).push(headers[index + 1] ?? '');
    try {
      this.#response.writeEarlyHints(hints);
    } catch {
      // Hints may be missing; those that Node does not accept are.
    }
  }

  /** Writes what waits for its microtask. */
  #flush(): void {
    if (this.#head === undefined || this.#settled || this.#verdict !== undefined || !this.#writeHead()) return;
    const first = this.#first;
    this.#first = undefined;
    if (first === undefined) this.#response.flushHeaders();
    else this.#write(first);
  }

  /** False where Node refuses the head. */
  #writeHead(): boolean {
    const head = this.#head;
    if (head === undefined) return true;
    this.#head = undefined;
    try {
      writeHead(this.#response, head);
    } catch (error) {
      this.#abort?.(error as Error);
      this.onError(error as Error);
      return false;
    }
    this.#begun = true;
    return true;
  }

  #write(chunk: Buffer): void {
    this.#bodySent = true;
    if (this.#response.write(chunk) || this.#blocked) return;
    this.#blocked = true;
    this.#response.once('drain', () => {
      this.#blocked = false;
      this.#touch();
      this.#resume?.();
    });
  }

  #keep(diverted: Diverted, chunk: Buffer): void {
    const kept = chunk.subarray(0, MAX_DIVERTED - diverted.length);
    diverted.length += kept.length;
    diverted.parts.push(kept);
  }

  #end(trailers: [string, string][]): void {
    if (!this.#writeHead()) return;
    this.#complete = true;
    this.#touch();
    if (this.#diverted !== undefined) {
      this.#body?.destroy();
      this.#diverted.take(Buffer.concat(this.#diverted.parts));
      return;
    }
    if (trailers.length > 0 && this.#response.chunkedEncoding) this.#response.addTrailers(trailers);
    // It would stop reading its source later, once undici has heard of the end.
    this.#body?.destroy();
    discardRest(this.#request, this.#response);
    if (this.#first === undefined) this.#response.end();
    else this.#response.end(this.#first);
  }

  #fail(error: Error): void {
    if (!this.#begun) return this.#settle({ kind: 'upstreamFailed', begun: false, error });
    this.#flush();
    this.#verdict = { kind: 'upstreamFailed', begun: true, error };
    this.#endEarly();
  }

  #endEarly(): void {
    this.#touch();
    if (this.#options.onEarlyEnd === undefined) destroyUnfinished(this.#response);
    else this.#options.onEarlyEnd(this.#response, this.#bodySent);
  }

  /** Nothing goes on until the client reads, or sends more of its body. */
  get #awaitsClient(): boolean {
    if (this.#complete || this.#blocked || this.#verdict !== undefined) return true;
    return this.#reading && this.#body?.isPaused() === false;
  }

  #stall(limitMs = 0): void {
    if (this.#settled) return;
    // The client does not read the end that it was told.
    if (this.#verdict !== undefined) return this.#cut(this.#verdict);
    const side = this.#awaitsClient ? 'client' : 'upstream';
    this.#stop(new GreenroomError('E_TIMEOUT', `Nothing came from the ${side} for ${limitMs} ms.`), {
      kind: 'stalled',
      side,
      begun: this.#begun,
      limitMs,
    });
  }

  /** Ends without the client: the response may be queued behind another, and then says nothing of its end. */
  #cut(outcome: ForwardOutcome): void {
    destroyUnfinished(this.#response);
    this.#settle(outcome);
  }

  #touch(): void {
    this.#idle.touch();
    this.#clientIdle.touch();
  }

  readonly #onSignal = (): void => {
    const error: unknown = this.#options.signal?.reason;
    this.#stop(error, { kind: 'aborted', begun: this.#begun, error });
  };

  /** Ends both sides; where no answer was begun, the client's is the caller's. */
  #stop(error: unknown, outcome: ForwardOutcome): void {
    if (this.#settled || this.#verdict !== undefined) return;
    this.#verdict = outcome;
    this.#closeUpstream(error);
    if (!this.#begun) return this.#settle(outcome);
    // The client cannot be told of what it does not read.
    if (outcome.kind === 'stalled' && outcome.side === 'client') this.#cut(outcome);
    else if (this.#complete) destroyUnfinished(this.#response);
    else this.#endEarly();
  }

  #closeUpstream(error: unknown): void {
    this.#abort?.(error instanceof Error ? error : new Error(String(error)));
    this.#body?.destroy();
  }

  readonly #onClose = (): void => {
    if (this.#verdict !== undefined) this.#settle(this.#verdict);
    else if (this.#response.writableFinished && this.#complete) this.#settle({ kind: 'done', status: this.#status });
    else this.#clientGone();
  };

  #clientGone(): void {
    if (this.#settled || this.#verdict !== undefined) return;
    this.#verdict = { kind: 'clientGone' };
    this.#closeUpstream(new Error('The client closed its connection.'));
    this.#settle(this.#verdict);
  }

  #settle(outcome: ForwardOutcome): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#idle.stop();
    this.#clientIdle.stop();
    this.#options.signal?.removeEventListener('abort', this.#onSignal);
    this.#response.off('close', this.#onClose);
    this.#request.socket.off('close', this.#onClose);
    this.#body?.destroy();
    if (!this.#begun) discardRest(this.#request, this.#response);
    this.#resolve(outcome);
  }
}

/** A response may have headers of its own already, and may have sent them. */
function writeHead(response: ServerResponse, { status, text, headers }: Head): void {
  if (response.headersSent) return;
  const reason = /^[\t\x20-\x7e]+$/.test(text) ? text : undefined;
  if (response.getHeaderNames().length > 0) {
    // Node would keep only the last of several headers with one name.
    const grouped = new Map<string, [name: string, values: string[]]>();
    for (let index = 0; index < headers.length; index += 2) {
      const [name = '', value = ''] = headers.slice(index, index + 2);
      const group = grouped.get(name.toLowerCase());
      if (group === undefined) grouped.set(name.toLowerCase(), [name, [value]]);
      else group[1].push(value);
    }
    for (const [name, values] of grouped.values()) response.setHeader(name, values);
    headers.length = 0;
  }
  if (reason === undefined) response.writeHead(status, headers);
  else response.writeHead(status, reason, headers);
}
