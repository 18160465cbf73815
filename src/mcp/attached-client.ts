import type { ClientSession } from './front-plugin.ts';
import { type JsonObject, RPC_ERROR } from './json-rpc.ts';
import { RpcFailure } from './rpc-failure.ts';
import type { AskOptions } from './rpc-peer.ts';

/** What a server may ask of a client that has a session, and the capability by which the client says that it answers. */
const ASKED: ReadonlyMap<string, string> = new Map([
  ['sampling/createMessage', 'sampling'],
  ['elicitation/create', 'elicitation'],
  ['roots/list', 'roots'],
]);

/** The capabilities of a client that are about what servers ask of it, as it said them. */
export function answeringCapabilities(capabilities: JsonObject): JsonObject {
  const names = [...ASKED.values()].filter((name) => capabilities[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, capabilities[name]]));
}

/**
 * The one client for which the process of a server was started, if it was started for one. What the server asks does not
 * say for whom it asks, so it is passed on only while the process works for nobody else.
 */
export class AttachedClient {
  readonly #session: ClientSession | undefined;
  /** How many requests of others the server has not answered; one that was given up may still run there. */
  #others = 0;

  constructor(session: ClientSession | undefined) {
    this.#session = session;
  }

  /** Notes that the server is sent a request for this client. Returns what is to be called once it is answered. */
  enter(session: ClientSession | undefined): () => void {
    if (this.#session === undefined || session === this.#session) return () => {};
    this.#others += 1;
    return () => {
      this.#others -= 1;
    };
  }

  /** Has the client answer what the server asks. Rejects with an {@link RpcFailure}. */
  async ask(method: string, params: JsonObject, options: AskOptions): Promise<JsonObject> {
    const capability = ASKED.get(method);
    if (capability === undefined) throw refused(`Greenroom answers no "${method}" of a server.`);
    const session = this.#session;
    if (session === undefined)
      throw refused(`Greenroom passes no "${method}" on: this process was not started for one client alone.`);
    if (this.#others > 0)
      throw refused(`Greenroom passes no "${method}" on now: this process works for others than its client, too.`);
    if (session.capabilities[capability] === undefined)
      throw refused(`The client has no capability "${capability}", and answers no "${method}".`);
    return session.ask(method, params, options);
  }
}

function refused(message: string): RpcFailure {
  return new RpcFailure(RPC_ERROR.methodNotFound, message);
}
