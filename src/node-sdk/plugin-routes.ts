import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ToolList } from '../protocol.ts';
import type { CallKind } from './answer-call.ts';
import { readBodyObject, readCallBody } from './call-body.ts';
import { describeError } from './describe-error.ts';
import { readBody, requestError, sendError, sendJson } from './http-answers.ts';
import { HttpCallAnswer } from './http-call-answer.ts';
import type { AnyPlugin } from './load-plugin.ts';
import { loadedCode } from './loaded-code.ts';
import { stringify } from './originals.ts';
import type { PluginCalls } from './plugin-calls.ts';
import { configSchemaOf, parseConfig } from './plugin-config.ts';
import { createPluginLog } from './plugin-log.ts';
import { serialize } from './serialize.ts';
import { describeTools } from './tools.ts';

/** What {@link createPluginRoutes} needs. */
export interface RouteSettings {
  readonly plugin: AnyPlugin;
  readonly calls: PluginCalls;
}

/** How long `/cleanup` waits for running calls to end, in milliseconds. */
const CLEANUP_GRACE_MS = 1_000;

type Route = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Answers the requests that reach plugin code. Never throws. */
export function createPluginRoutes({ plugin, calls }: RouteSettings): Route {
  const log = createPluginLog();

  const call =
    (kind: CallKind): Route =>
    async (request, response) => {
      const body = readCallBody(await readBody(request));
      const id = typeof body === 'string' ? undefined : body.call;
      await calls.answer(kind, body, new HttpCallAnswer(response, id));
    };

  const routes: Readonly<Record<string, Route>> = {
    'POST /execute': call('execute'),
    'POST /execute_stream': call('stream'),
    async 'POST /initialize'(request, response) {
      const body = readBodyObject(await readBody(request), '/initialize');
      if (typeof body === 'string') {
        sendError(response, requestError('BadRequest', body));
        return;
      }
      const next = { config: await parseConfig(plugin, body['config'] ?? {}), log };
      await plugin.initialize?.(next.config, next);
      calls.context = next;
      sendJson(response, 200, '{"status":"ok"}');
    },
    async 'GET /config'(_request, response) {
      sendJson(response, 200, serialize(calls.context?.config, 'config'));
    },
    async 'GET /tools'(_request, response) {
      sendJson(response, 200, serialize({ tools: describeTools(plugin) } satisfies ToolList, 'tools'));
    },
    async 'GET /code'(_request, response) {
      sendJson(response, 200, stringify(loadedCode()));
    },
    async 'GET /config_schema'(_request, response) {
      sendJson(response, 200, serialize(configSchemaOf(plugin), 'config schema'));
    },
    async 'POST /release'(_request, response) {
      await plugin.release?.();
      sendJson(response, 200, stringify({ outcome: plugin.release === undefined ? 'unsupported' : 'released' }));
    },
    async 'POST /cleanup'(_request, response) {
      // Calls that were cancelled just now are to be over, and to have run what they close themselves.
      await calls.running.ended(CLEANUP_GRACE_MS);
      await plugin.cleanup?.();
      sendJson(response, 200, '{"status":"ok"}');
    },
  };

  return async (request, response) => {
    const route = routes[`${request.method} ${request.url}`];
    if (route === undefined) {
      sendError(response, requestError('NotFound', `There is no ${request.method} ${request.url}.`), 404);
      return;
    }
    try {
      await route(request, response);
    } catch (error) {
      // An answer that has begun can only be broken off.
      if (response.headersSent) response.destroy();
      else sendError(response, describeError(error));
    }
  };
}
