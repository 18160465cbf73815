import { type ClientRequest, type IncomingMessage, request as requestHttp, STATUS_CODES } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect as connectSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { watchClient } from './client-watch.ts';
import { reset } from './destroy-connection.ts';
import { badRequest, framingOf, upstreamPath } from './framing.ts';
import { answerHead, type HeaderChanges, type RawHeaders, requestHeaders } from './headers.ts';
import { IdleTimer } from './idle-timer.ts';
import type { ForwardOutcome } from './outcome.ts';
import { splice } from './splice.ts';
import type { Upstream } from './upstream.ts';

/** How an upgrade is forwarded; see `ForwardOptions`. */
export interface UpgradeOptions {
  readonly path?: string | undefined;
  readonly headers?: HeaderChanges | undefined;
  readonly dropOfAnswer?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly idleMs?: number | undefined;
  readonly onResponse?: ((status: number, headers: RawHeaders) => void) | undefined;
}

/**
 * Forwards an upgrade, such as that to a WebSocket: what `node:http` gives its listeners of `upgrade`. Once the server
 * has accepted it, bytes pass both ways until both ends have closed; any other answer is passed on, and ends the
 * connection. Resolves with what became of it, and never rejects; where no answer was begun, the caller writes one to
 * the socket.
 */
export function forwardUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  upstream: Upstream,
  options: UpgradeOptions = {},
): Promise<ForwardOutcome> {
  return new Promise((resolve) => {
    new Upgrade(request, socket, head, upstream, options, resolve).start();
  });
}

class Upgrade {
  readonly #request: IncomingMessage;
  readonly #socket: Duplex;
  readonly #head: Buffer;
  readonly #upstream: Upstream;
  readonly #options: UpgradeOptions;
  readonly #resolve: (outcome: ForwardOutcome) => void;
  readonly #idle: IdleTimer;
  /** What there is to close at the server's side. */
  #far: { destroy(): unknown } | undefined;
  #stopWatch = (): void => {};
  #status = 0;
  #begun = false;
  /** Decided before the client's connection has closed. */
  #verdict: ForwardOutcome | undefined;

  constructor(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    upstream: Upstream,
    options: UpgradeOptions,
    resolve: (outcome: ForwardOutcome) => void,
  ) {
    this.#request = request;
    this.#socket = socket;
    this.#head = head;
    this.#upstream = upstream;
    this.#options = options;
    this.#resolve = resolve;
    this.#idle = new IdleTimer(options.idleMs, () => this.#stall());
  }

  start(): void {
    const { signal } = this.#options;
    const path = upstreamPath(this.#upstream, this.#options.path ?? this.#request.url ?? '/');
    const framing = framingOf(this.#request);
    // Node has taken the body for the first bytes of the new protocol.
    const withBody = framing !== 'none' && framing !== 0 && !(framing instanceof Error);
    const fault = withBody ? badRequest('A request for an upgrade must have no body.') : framing;
    // Node takes its own error handler off; without one a reset of the connection would end this program.
    this.#socket.on('error', () => {});
    if (path instanceof Error) return this.#settle({ kind: 'badRequest', error: path });
    if (fault instanceof Error) return this.#settle({ kind: 'badRequest', error: fault });
    if (this.#socket.destroyed) return this.#settle({ kind: 'clientGone' });
    if (signal?.aborted === true) return this.#settle({ kind: 'aborted', begun: false, error: signal.reason });
    signal?.addEventListener('abort', this.#onSignal);
    this.#stopWatch = watchClient(this.#socket, this.#onClose);
    const asked = this.#ask(path);
    this.#far = asked;
    asked.on('upgrade', (answer, far, farHead) => this.#accepted(answer, far, farHead));
    asked.on('response', (answer) => this.#refused(answer));
    asked.on('error', (error) => this.#fail(error));
    asked.end();
  }

  #ask(path: string): ClientRequest {
    const { origin, socketPath } = this.#upstream;
    const url = new URL(origin);
    const headers = requestHeaders(this.#request, this.#options.headers, this.#upstream.headers());
    headers.push('Host', url.host, 'Connection', 'Upgrade', 'Upgrade', this.#request.headers.upgrade ?? '');
    const secure = url.protocol === 'https:';
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const port = Number(url.port) || (secure ? 443 : 80);
    // A server may end its half while the client still sends.
    const where = { allowHalfOpen: true, noDelay: true } as const;
    return (secure ? requestHttps : requestHttp)({
      method: this.#request.method ?? 'GET',
      path,
      headers,
      host,
      createConnection: () =>
        secure
          ? connectTls({ ...where, host, port, servername: host })
          : socketPath === undefined
            ? connectSocket({ ...where, host, port })
            : connectSocket({ ...where, path: socketPath }),
    });
  }

  #accepted(answer: IncomingMessage, far: Duplex, farHead: Buffer): void {
    this.#far = far;
    far.on('error', () => {});
    const { upgraded } = this.#upstream;
    upgraded.add(far);
    far.once('close', () => upgraded.delete(far));
    this.#stopWatch();
    this.#begin(answer, answer.rawHeaders);
    if (farHead.length > 0) far.unshift(farHead);
    if (this.#head.length > 0) this.#socket.unshift(this.#head);
    const touch = (): void => this.#idle.touch();
    splice(this.#socket, far, touch, () => this.#settle(this.#verdict ?? { kind: 'done', status: this.#status }));
  }

  #refused(answer: IncomingMessage): void {
    const { headers } = answerHead(answer.rawHeaders, this.#options.dropOfAnswer);
    this.#begin(answer, [...headers, 'Connection', 'close']);
    answer.on('data', (chunk: Buffer) => {
      this.#idle.touch();
      if (this.#socket.write(chunk)) return;
      answer.pause();
      this.#socket.once('drain', () => answer.resume());
    });
    answer.on('error', (error) => this.#fail(error));
    answer.on('end', () => {
      if (!answer.complete) return;
      this.#verdict = { kind: 'done', status: this.#status };
      this.#socket.end(() => this.#socket.destroy());
    });
  }

  #begin(answer: IncomingMessage, headers: RawHeaders): void {
    this.#idle.touch();
    this.#begun = true;
    this.#status = answer.statusCode ?? 0;
    this.#options.onResponse?.(this.#status, headers);
    const lines = [`HTTP/1.1 ${this.#status} ${answer.statusMessage ?? STATUS_CODES[this.#status] ?? ''}`];
    for (let index = 0; index < headers.length; index += 2) lines.push(`${headers[index]}: ${headers[index + 1]}`);
    this.#socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  }

  #fail(error: Error): void {
    this.#stop({ kind: 'upstreamFailed', begun: this.#begun, error });
  }

  #stall(): void {
    this.#stop({ kind: 'stalled', side: 'upstream', begun: this.#begun, limitMs: this.#options.idleMs ?? 0 });
  }

  readonly #onSignal = (): void => {
    this.#stop({ kind: 'aborted', begun: this.#begun, error: this.#options.signal?.reason });
  };

  readonly #onClose = (): void => {
    this.#settle(this.#verdict ?? { kind: 'clientGone' });
  };

  #stop(outcome: ForwardOutcome): void {
    if (this.#verdict !== undefined) return;
    this.#verdict = outcome;
    this.#far?.destroy();
    if (this.#begun) reset(this.#socket);
    else this.#settle(outcome);
  }

  #settle(outcome: ForwardOutcome): void {
    this.#verdict ??= outcome;
    this.#idle.stop();
    this.#options.signal?.removeEventListener('abort', this.#onSignal);
    this.#stopWatch();
    this.#far?.destroy();
    this.#resolve(outcome);
  }
}
