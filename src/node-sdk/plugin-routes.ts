import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CallBody, ToolList } from '../protocol.ts';
import { answerCall, type CallKind } from './answer-call.ts';
import { MAX_CALL_BYTES } from './call-table.ts';
import { describeError } from './describe-error.ts';
import { readBody, requestError, sendError, sendJson } from './http-answers.ts';
import type { AnyPlugin } from './load-plugin.ts';
import { parse, stringify } from './originals.ts';
import { EXECUTE, type PluginContext } from './plugin.ts';
import { configSchemaOf, parseConfig } from './plugin-config.ts';
import { createPluginLog } from './plugin-log.ts';
import type { RunningCalls } from './running-calls.ts';
import { serialize } from './serialize.ts';
import { describeTools, toolsOf, unknownTool } from './tools.ts';

/** What {@link createPluginRoutes} needs. */
export interface RouteSettings {
  readonly plugin: AnyPlugin;
  readonly calls: RunningCalls;
  /** Resolves once `/health` and `/cancel` no longer depend on the main thread. */
  readonly control: Promise<unknown>;
}

/** How long `/cleanup` waits for running calls to end, in milliseconds. */
const CLEANUP_GRACE_MS = 1_000;

type Route = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Answers the requests that reach plugin code. Never throws. */
export function createPluginRoutes({ plugin, calls, control }: RouteSettings): Route {
  const log = createPluginLog();
  const tools = toolsOf(plugin);
  let context: PluginContext<unknown> | undefined;
  let starting: Promise<unknown> | undefined = control.then(() => {
    starting = undefined;
  });

  const call =
    (kind: CallKind): Route =>
    async (request, response) => {
      const body = parseCall(await readBody(request));
      if (typeof body === 'string') {
        sendError(response, requestError('BadRequest', body));
        return;
      }
      if (context === undefined) {
        sendError(response, requestError('NotInitialized', '/initialize must be answered before a call.'), 409);
        return;
      }
      const tool = tools.get(body.tool);
      if (tool === undefined) {
        sendError(response, unknownTool(body.tool, tools));
        return;
      }
      await answerCall(kind, body, { tool, context, calls, starting }, response);
    };

  const routes: Readonly<Record<string, Route>> = {
    'POST /execute': call('execute'),
    'POST /execute_stream': call('stream'),
    async 'POST /initialize'(request, response) {
      const body = parseObject(await readBody(request));
      if (body === undefined) {
        sendError(response, requestError('BadRequest', 'The body of /initialize must be {"config": …}.'));
        return;
      }
      const next = { config: await parseConfig(plugin, body['config'] ?? {}), log };
      await plugin.initialize?.(next.config, next);
      context = next;
      sendJson(response, 200, '{"status":"ok"}');
    },
    async 'GET /config'(_request, response) {
      sendJson(response, 200, serialize(context?.config, 'config'));
    },
    async 'GET /tools'(_request, response) {
      sendJson(response, 200, serialize({ tools: describeTools(plugin) } satisfies ToolList, 'tools'));
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
      await calls.ended(CLEANUP_GRACE_MS);
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

/** Parses the body of a call; a string says what is wrong with it. */
function parseCall(text: string): Required<CallBody> | string {
  const body = parseObject(text);
  if (body === undefined) return 'The body of a call must be a JSON object.';
  const { call, tool = EXECUTE, args = [], kwargs = {} } = body;
  if (typeof call !== 'string' || call === '') return '"call" must be a string that is not empty.';
  if (call.length > MAX_CALL_BYTES || Buffer.byteLength(call) > MAX_CALL_BYTES) {
    return `"call" must not be longer than ${MAX_CALL_BYTES} bytes.`;
  }
  if (typeof tool !== 'string') return '"tool" must be a string.';
  if (!Array.isArray(args)) return '"args" must be an array.';
  if (!isObject(kwargs)) return '"kwargs" must be an object.';
  return { call, tool, args, kwargs };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = parse(text);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
