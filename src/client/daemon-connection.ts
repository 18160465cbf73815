import { Agent, type IncomingMessage, request as requestPlainly } from 'node:http';
import { text } from 'node:stream/consumers';
import { GreenroomError, messageOf } from '../errors.ts';
import { onAbort } from '../events/abort-watch.ts';
import { packageVersion } from '../files/package-version.ts';
import { readJson } from '../json/read-json.ts';
import { systemCodeOf } from '../system-error.ts';
import type { Place, Target } from './daemon-target.ts';
import { versionError, versionFit } from './interface-version.ts';
import { isPassingStatus, passes } from './passing-errors.ts';
import { errorOfProblem } from './problem-error.ts';
import { isNotTaken, isUnanswered } from './unanswered.ts';

/** What is asked of a daemon. */
export interface Request {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | undefined;
  /** Below `/api`, with its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | string | undefined;
  /** Closes the connection, which cancels what the daemon does for it. */
  readonly signal?: AbortSignal | undefined;
  /** The error of an aborted signal. */
  readonly cancelled?: ((reason: unknown) => Error) | undefined;
}

/** What a daemon answers, once its head is there. */
export interface Answer {
  readonly response: IncomingMessage;
  /** Ends the exchange; what waits for more of the answer rejects with this. */
  end(why: Error): void;
  /** Why reading the answer broke off, of the error that reading gave. */
  why(error: unknown): Error;
}

/** Sends requests to a daemon. An idle connection does not keep the program alive. */
export class DaemonConnection {
  readonly #target: Target;
  readonly #agent = new Agent({ keepAlive: true });
  #secureAgent: Agent | undefined;
  /** Errors of requests that came too late for a connection that the daemon had closed. */
  readonly #stale = new WeakSet<Error>();
  readonly #unfinished = new Set<(why: Error) => void>();
  #checked: Promise<void> | undefined;
  #closed: Error | undefined;

  constructor(target: Target) {
    this.#target = target;
  }

  /**
   * Resolves to the answer, if its status is one of success. Rejects with the error that the daemon tells of, and with
   * `E_DAEMON` where it does not answer, refuses the request, or has another interface.
   */
  async send(request: Request): Promise<Answer> {
    this.#checked ??= this.#checkVersion();
    try {
      await this.#checked;
    } catch (error) {
      this.#checked = undefined;
      throw error;
    }
    return this.#send(request);
  }

  /** Sends a text of JSON, if any, and resolves to what is answered: as JSON read exactly, or undefined where that is nothing. */
  async ask(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: string,
    more: Pick<Request, 'signal' | 'cancelled'> = {},
  ): Promise<unknown> {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    return this.askFor({ method, path, headers, body, ...more });
  }

  /** Sends any request, and resolves to the JSON of the answer as {@link ask} does. */
  async askFor(request: Request): Promise<unknown> {
    return contentOf(await this.send({ ...request, headers: { accept: 'application/json', ...request.headers } }));
  }

  /** Ends every exchange and takes no more. */
  close(): void {
    this.#closed ??= new GreenroomError('E_STOPPING', 'The client was closed. Create another one with createClient().');
    for (const end of [...this.#unfinished]) end(this.#closed);
    this.#agent.destroy();
    this.#secureAgent?.destroy();
  }

  /** Once for each client: compares its version with the daemon's. */
  async #checkVersion(): Promise<void> {
    const own = packageVersion();
    const known = this.#place().version;
    const version = known ?? (await this.#askVersion());
    if (versionFit(version, own) === 'differs') throw versionError(version, own);
  }

  async #askVersion(): Promise<string> {
    const status = await contentOf(await this.#send({ path: '/status' }));
    return (status as { readonly daemon: { readonly version: string } }).daemon.version;
  }

  #place(): Place {
    if (this.#closed !== undefined) throw this.#closed;
    return this.#target.find();
  }

  async #send(request: Request): Promise<Answer> {
    let answer: Answer;
    try {
      answer = await this.#exchange(this.#place(), request);
    } catch (error) {
      const isStale = this.#stale.has(error as Error);
      const isRenewed = (isStale || isUnanswered(error)) && this.#target.renew();
      if (!isStale && !isRenewed) throw error;
      answer = await this.#exchange(this.#place(), request, isStale);
    }
    const { statusCode = 0 } = answer.response;
    if (statusCode >= 200 && statusCode < 300) return answer;
    const error = errorOfProblem(await textOf(answer), statusCode);
    throw isPassingStatus(statusCode) ? passes(error) : error;
  }

  async #exchange(
    place: Place,
    { method = 'GET', path, headers, body, signal, cancelled }: Request,
    isFresh = false,
  ): Promise<Answer> {
    const secure = place.secure ? await this.#secure() : undefined;
    const [send, agent] = secure ?? [requestPlainly, this.#agent];
    return new Promise((resolve, reject) => {
      const aborted = (): Error => cancelled?.(signal?.reason) ?? cancelledRequest(signal?.reason);
      if (signal?.aborted === true) return reject(aborted());
      let reason: Error | undefined;
      const why = (error: unknown): Error => reason ?? lostError(place, error);
      const sent = send({
        ...place.options,
        // Others of its connections may be as stale.
        agent: isFresh ? false : agent,
        method,
        path: `${place.base}/api${path}`,
        headers: {
          ...place.headers,
          ...headers,
          ...(method !== 'GET' && { 'content-length': String(body === undefined ? 0 : Buffer.byteLength(body)) }),
        },
      });
      const end = (because: Error): void => {
        reason ??= because;
        sent.destroy();
      };
      const off = signal === undefined ? undefined : onAbort(signal, () => end(aborted()));
      this.#unfinished.add(end);
      sent.once('close', () => {
        off?.();
        this.#unfinished.delete(end);
      });
      sent.once('response', (response) => {
        // One that nobody reads any more ends with an error of its own.
        response.on('error', () => {});
        resolve({ response, end, why });
      });
      sent.on('error', (error) => {
        const told = why(error);
        if (told !== reason && sent.reusedSocket && isUnread(error, method)) this.#stale.add(told);
        reject(told);
      });
      sent.end(body);
    });
  }

  /** TLS is loaded only where it is asked for. */
  async #secure(): Promise<[typeof requestPlainly, Agent]> {
    const { Agent: SecureAgent, request } = await import('node:https');
    this.#secureAgent ??= new SecureAgent({ keepAlive: true });
    return [request, this.#secureAgent];
  }
}

/** The JSON of an answer; undefined where it has no content. Rejects with `E_DAEMON` where it is none. */
async function contentOf(answer: Answer): Promise<unknown> {
  const content = await textOf(answer);
  if (content === '') return undefined;
  try {
    return readJson(content);
  } catch (error) {
    throw new GreenroomError('E_DAEMON', `The daemon answered with what is not JSON: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

async function textOf({ response, why }: Answer): Promise<string> {
  try {
    return await text(response);
  } catch (error) {
    throw why(error);
  }
}

/** Whether a request was not read whole, by the error of its kept connection; to ask for something again does no harm. */
function isUnread(error: unknown, method: string): boolean {
  const code = systemCodeOf(error);
  return code === 'EPIPE' || (code === 'ECONNRESET' && method === 'GET');
}

function cancelledRequest(cause: unknown): GreenroomError {
  return new GreenroomError('E_CANCELLED', 'The request to the daemon was cancelled.', { cause });
}

function lostError({ name }: Place, cause: unknown): GreenroomError {
  const code = systemCodeOf(cause);
  const told = code ?? messageOf(cause);
  if (isNotTaken(cause))
    return passes(
      new GreenroomError('E_DAEMON', `No daemon answers at ${name} (${told}). Start one: greenroom serve`, { cause }),
    );
  if (code === 'EACCES' || code === 'EPERM')
    return new GreenroomError('E_DAEMON', `The daemon at ${name} belongs to another user (${told}).`, { cause });
  return passes(
    new GreenroomError(
      'E_DAEMON',
      `The connection to the daemon at ${name} ended before the answer was there (${told}). Whether the request was carried out is not known.`,
      { cause },
    ),
  );
}
