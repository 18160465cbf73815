import type { HeldPort } from './ports.ts';
import type { SocketDirectory } from './socket-directory.ts';
import type { StopCommand } from './stop-command.ts';
import type { WorkerStart } from './worker-start.ts';

/** What programs print, or their languages' libraries do, whose port another program has taken. */
const TAKEN =
  /EADDRINUSE|address (?:is )?(?:already )?in use|only one usage of each socket address|couldn't bind (?:HTTP )?server socket/i;

/** What an HTTP server was given to be reached by, and what is to be given back. */
interface HttpStartParts {
  /** `unix:/path`, or the address that requests are sent to, with the path that stands before theirs. */
  readonly address: string;
  /** Set in every request to it. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly port?: HeldPort | undefined;
  readonly sockets?: SocketDirectory | undefined;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stopCommand?: StopCommand | undefined;
  /** Writes to the log of the plugin. */
  note(message: string): void;
}

/** The start of a worker that is an HTTP server. */
export class HttpStart implements WorkerStart {
  readonly address: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stopCommand: StopCommand | undefined;
  readonly note: (message: string) => void;
  /** What it is waited for, until it is ready. */
  waitsFor: string | undefined;
  /** A function, as the values are secret: what shows objects shows no results. */
  readonly headers: () => Readonly<Record<string, string>>;
  readonly #port: HeldPort | undefined;
  readonly #sockets: SocketDirectory | undefined;
  #isReady = false;
  #closeChannel = (): void => {};

  constructor({ address, headers = {}, port, sockets, args = [], env = {}, stopCommand, note }: HttpStartParts) {
    this.address = address;
    this.headers = () => headers;
    this.args = args;
    this.env = env;
    this.stopCommand = stopCommand;
    this.note = note;
    this.#port = port;
    this.#sockets = sockets;
  }

  /** The port that it was given; undefined where it listens on a socket, or another program runs it. */
  get port(): number | undefined {
    return this.#sockets === undefined ? this.#port?.port : undefined;
  }

  /** It has become ready; `close` ends the connections to it. */
  ready(close: () => void): void {
    this.#isReady = true;
    this.waitsFor = undefined;
    this.#closeChannel = close;
  }

  step(): string | undefined {
    return this.waitsFor;
  }

  againBecause(output: string): string | undefined {
    if (this.#isReady || this.#port === undefined || !TAKEN.test(output)) return undefined;
    return 'its port is in use; starting it again with another port';
  }

  /** Also where the worker ended by itself: a container may have been left. */
  async close(): Promise<void> {
    this.#closeChannel();
    await this.stopCommand?.run();
    await this.#sockets?.remove();
    this.#port?.release();
  }
}
