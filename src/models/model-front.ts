import type { ServerResponse } from 'node:http';
import { printedJson } from '../json/printed-json.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import { give, refuseOn } from '../server/answer.ts';
import type { Refusal } from '../server/refusal.ts';
import type { Exchange, Front, Route, UpgradeExchange } from '../server/route.ts';
import { bringsKey, KEY_HEADERS } from './api-keys.ts';
import { BodyMemory } from './body-memory.ts';
import { DroppedRequests } from './dropped-requests.ts';
import { giveModelError, modelErrorOf, modelRefusalOf, refuseModelRequest } from './failure.ts';
import { ModelCatalogue } from './model-catalogue.ts';
import { answerByModel, answerByPlugin, newRequestId, OF_WHOLE_ORIGIN } from './model-exchange.ts';
import { GET_PATHS, MODEL_PREFIXES, POST_PATHS, VERSIONLESS_PATHS } from './model-routes.ts';
import { SpoolSpace } from './spool-space.ts';

/** How many requests of models may be unfinished at once, those that wait included. */
const MAX_EXCHANGES = 4_000;

/** What the front needs beside the supervisor. */
export interface ModelFrontOptions {
  /** The keys of which one opens the front; undefined where none is needed, as on a socket that only this user can open. */
  readonly keys?: (() => readonly string[]) | undefined;
  /** The most bytes of bodies that are kept in memory for requests that wait. Default 512 MiB. */
  readonly memoryBytes?: number | undefined;
  /** The most bytes that the beginnings of forms may have in files together. Default 4 GiB. */
  readonly spoolBytes?: number | undefined;
  /** Writes down an error that is no fault of the request. */
  onError(error: unknown): void;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

const NO_KEY: Refusal = {
  status: 401,
  message:
    'Send a key of this server, "Authorization: Bearer KEY" or "x-api-key: KEY": one of the setting apiKeys, or, where none are set, what "greenroom token" prints.',
  headers: { 'www-authenticate': 'Bearer' },
};

/**
 * The front for clients of OpenAI and Anthropic: requests by the model that they name, in `models` of a manifest; lists
 * of the models; and all of a plugin's server below `/upstream/{plugin}/`.
 */
export function modelFront(
  supervisor: Supervisor,
  { keys, memoryBytes, spoolBytes, onError }: ModelFrontOptions,
): Front {
  const catalogue = new ModelCatalogue(supervisor, new Date());
  const parts = {
    supervisor,
    catalogue,
    dropped: new DroppedRequests(),
    memory: new BodyMemory(memoryBytes),
    space: new SpoolSpace(spoolBytes),
    onError,
  };
  const isOpenTo = ({ request }: Pick<Exchange, 'request'>): boolean =>
    keys === undefined || bringsKey(request.headers, readKeys(keys));
  const noteInternal = (error: unknown): void => {
    if (modelErrorOf(error).code === 'internal_error') onError(error);
  };
  const keyed = (
    method: Route['method'],
    path: string,
    handle: (exchange: Exchange) => void | Promise<void>,
  ): Route => ({
    method,
    path,
    access: 'open',
    takesBody: method !== 'GET' && method !== 'HEAD',
    handle: (exchange) =>
      isOpenTo(exchange) ? handle(exchange) : refuseModelRequest(exchange.response, NO_KEY, newRequestId()),
  });
  const byModel = (method: Route['method'], path: string, upstream = path): Route =>
    keyed(method, path, (exchange) => answerByModel(parts, exchange, upstream));
  const upstream = (method: Route['method']): Route => ({
    ...keyed(method, '/upstream/:plugin/*', (exchange) =>
      answerByPlugin(parts, exchange, exchange.params['plugin'] ?? '', pathBelow(exchange)),
    ),
    takesBody: true,
    upgrade: async (exchange) => {
      try {
        if (!isOpenTo(exchange)) return refuseOn(exchange.socket, NO_KEY);
        await upgradeByPlugin(supervisor, exchange);
      } catch (error) {
        noteInternal(error);
        if (!exchange.socket.destroyed) refuseOn(exchange.socket, modelRefusalOf(error));
      }
    },
  });
  return {
    prefixes: MODEL_PREFIXES,
    routes: [
      ...POST_PATHS.map((path) => byModel('POST', path)),
      ...GET_PATHS.map((path) => byModel('GET', path)),
      ...VERSIONLESS_PATHS.map((path) => byModel('POST', `/v${path}`, path)),
      keyed('GET', '/v1/models', ({ response }) => giveList(response, catalogue)),
      keyed('GET', '/v1/models/*', ({ response, params }) => {
        const id = params['*'] ?? '';
        giveJson(response, catalogue.describe(id, catalogue.find(id)));
      }),
      ...METHODS.map(upstream),
    ],
    maxExchanges: MAX_EXCHANGES,
    refuse: (response, refusal) => refuseModelRequest(response, refusal, newRequestId()),
    fail(response, error) {
      noteInternal(error);
      giveModelError(response, error, newRequestId());
    },
  };
}

function giveList(response: ServerResponse, catalogue: ModelCatalogue): void {
  const data = catalogue.list();
  // The fields beside `data` are those of one page of Anthropic's list, which has them all.
  giveJson(response, {
    object: 'list',
    data,
    has_more: false,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  });
}

function giveJson(response: ServerResponse, value: unknown): void {
  give(response, 'application/json', printedJson(value));
}

async function upgradeByPlugin(supervisor: Supervisor, exchange: UpgradeExchange): Promise<void> {
  const { request, socket, head, params } = exchange;
  const options = { path: pathBelow(exchange), headers: { drop: KEY_HEADERS }, dropOfAnswer: OF_WHOLE_ORIGIN };
  await supervisor.forwardUpgrade(params['plugin'] ?? '', request, socket, head, options);
}

/** Why they cannot be read names files of this machine, which is nothing for a client without a key. */
function readKeys(keys: () => readonly string[]): readonly string[] {
  try {
    return keys();
  } catch (error) {
    throw new Error('The keys that open the models cannot be read.', { cause: error });
  }
}

/** The target of a request behind `/upstream/{plugin}`, as it came. */
function pathBelow({ request }: Pick<Exchange, 'request'>): string {
  return /^\/upstream\/[^/?]+(\/.*)$/.exec(request.url ?? '')?.[1] ?? '/';
}
