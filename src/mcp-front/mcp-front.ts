import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { readJson } from '../json/read-json.ts';
import type { Manifest } from '../manifest/schema.ts';
import type { FrontPlugin, PluginNotice } from '../mcp/front-plugin.ts';
import {
  checkedMessage,
  isNotification,
  isRequest,
  type JsonRpcMessage,
  NoMessage,
  RPC_ERROR,
} from '../mcp/json-rpc.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import { refuseOn } from '../server/answer.ts';
import { readBody } from '../server/body.ts';
import type { Exchange, Front, Route, UpgradeExchange } from '../server/route.ts';
import { shown } from '../text/shown.ts';
import { kindOf } from '../worker-kinds/kinds.ts';
import { isModern, isModernRevision } from './envelope.ts';
import { FrontServices } from './front-services.ts';
import { LegacyExchanges, namesSession } from './legacy-exchanges.ts';
import { LegacySessions, type SessionLimits } from './legacy-sessions.ts';
import { LineStreams } from './line-stream.ts';
import { headerOf, VERSION_HEADER } from './modern-headers.ts';
import { ModernPosts } from './modern-post.ts';
import { nativePlugin } from './native-plugin.ts';
import { acceptsOf } from './post-answer.ts';
import { giveRpcError, httpRefusal, RpcRefusal, refuseRpc, upgradeRefusalOf } from './rpc-refusal.ts';
import { TOOLS_NOTICE } from './server-notices.ts';
import { FrontTasks } from './tasks/front-tasks.ts';
import { ToolDirectory } from './tool-directory.ts';

/** The most bytes of a message. */
const MAX_BYTES = 64 * 1024 * 1024;
/** How many requests may be unfinished at once; the streams of sessions and subscriptions are among them. */
const MAX_EXCHANGES = 4_000;

/** What the front needs beside the supervisor. */
export interface McpFrontOptions extends SessionLimits {
  /** The version of Greenroom. */
  readonly version: string;
  readonly log: Pick<Logger, 'warn' | 'error'>;
  /** A plugin that is a server of MCP itself; undefined for any other. */
  readonly serverOf?: ((manifest: Manifest) => FrontPlugin | undefined) | undefined;
  /** The jobs that tasks of clients become, which are opened if need be. Without it, there are no tasks. */
  readonly jobs?: (() => Promise<Jobs>) | undefined;
  /** How long a list of all tools waits for plugins that have to start, in milliseconds. Default 10 s. */
  readonly listPatienceMs?: number | undefined;
}

/** The front for clients of MCP, and how to end it. */
export interface McpFront extends Front {
  /** How many sessions of legacy clients there are. */
  readonly sessions: number;
  /** A plugin that is a server of MCP tells something unasked. */
  noteNotice(notice: PluginNotice): void;
  /** The jobs were opened: tasks among them whose time is over are removed. */
  noteJobs(jobs: Jobs): void;
  /** The daemon is ending: its plugins, which end one after the other, are still those that clients see and call. */
  drain(): void;
  /** Ends every session; what it runs is cancelled. */
  close(): void;
}

/**
 * The front for clients of MCP, of both eras, by Streamable HTTP: the tools of all plugins at `/mcp`, and those of one at
 * `/mcp/{plugin}`.
 */
export function mcpFront(supervisor: Supervisor, options: McpFrontOptions): McpFront {
  const { version, log, serverOf, listPatienceMs, jobs } = options;
  const onError = (error: unknown): void => log.error({ err: error }, 'A request of MCP could not be answered.');
  const directory = new ToolDirectory(supervisor, {
    pluginOf: (manifest) =>
      serverOf?.(manifest) ?? (hasTools(manifest) ? nativePlugin(supervisor, manifest, jobs !== undefined) : undefined),
    onLeftOut: (plugin, error) =>
      log.warn({ plugin }, `The tools of "${plugin}" are left out for clients of MCP: ${messageOf(error)}`),
    onError,
    patienceMs: listPatienceMs,
  });
  const tasks = jobs && new FrontTasks({ open: jobs, onError });
  const services = new FrontServices(supervisor, directory, version, tasks);
  const sessions = new LegacySessions(onError, options);
  const legacy = new LegacyExchanges(sessions);
  const modern = new ModernPosts(onError);
  const lines = new LineStreams(onError);
  const post = async (exchange: Exchange): Promise<void> => {
    const place = services.find(exchange);
    // What is addressed to nothing is not read. A session may stay for longer than its plugin.
    if (!namesSession(exchange.request)) place.service();
    const accepts = acceptsOf(exchange.request);
    const message = await readPosted(exchange);
    if (isOfModern(exchange, message)) modern.answer(exchange, message, place.service(), accepts);
    else legacy.post(exchange, message, place, accepts);
  };
  const route = (path: string, method: Route['method'], handle: Route['handle']): Route => {
    return { method, path, access: 'token', takesBody: method === 'POST', handle };
  };
  const upgrade = (exchange: UpgradeExchange): void => {
    try {
      lines.serve(exchange, services.find(exchange).service());
    } catch (error) {
      if (!(error instanceof RpcRefusal)) onError(error);
      refuseOn(exchange.socket, upgradeRefusalOf(error));
    }
  };
  const routesAt = (path: string): Route[] => [
    route(path, 'POST', post),
    { ...route(path, 'GET', (exchange) => legacy.get(exchange, services.find(exchange))), upgrade },
    route(path, 'DELETE', (exchange) => legacy.delete(exchange, services.find(exchange))),
  ];
  return {
    prefixes: ['/mcp'],
    routes: [...routesAt('/mcp'), ...routesAt('/mcp/:plugin')],
    maxExchanges: MAX_EXCHANGES,
    tokenText: 'Send the token of this server, "Authorization: Bearer TOKEN". "greenroom token" prints it.',
    refuse: refuseRpc,
    fail: (response, error) => giveRpcError(response, error, onError),
    finish() {
      modern.finish();
      sessions.finish();
    },
    get sessions() {
      return sessions.size;
    },
    noteNotice(notice) {
      if (notice.method === TOOLS_NOTICE && !notice.isOfCopy) directory.noteChanged(notice.plugin);
      else services.notices.note(notice);
    },
    noteJobs: (opened) => void tasks?.note(opened),
    drain: () => directory.close(),
    close() {
      tasks?.close();
      lines.close();
      sessions.close();
      directory.close();
    },
  };
}

function hasTools(manifest: Manifest): boolean {
  return kindOf(manifest).serves !== true;
}

/** Whether a message is one of the modern protocol. Throws a refusal where its header and its body disagree. */
function isOfModern({ request }: Exchange, message: JsonRpcMessage): boolean {
  const ofHeader = isModernRevision(headerOf(request.headers, VERSION_HEADER));
  if (isRequest(message)) {
    if (isModern(message.params)) return true;
    if (ofHeader && message.method === 'initialize') {
      const text = 'The header MCP-Protocol-Version names a revision that has no "initialize".';
      throw new RpcRefusal(400, { code: RPC_ERROR.headerMismatch, message: text }, message.id);
    }
    // Its envelope is missing, which the modern way tells of.
    return ofHeader;
  }
  return isNotification(message) && (ofHeader || isModern(message.params));
}

/** Reads the message that a request brings. Throws a refusal where it brings none. */
async function readPosted({ request, response }: Exchange): Promise<JsonRpcMessage> {
  const type = headerOf(request.headers, 'content-type') ?? '';
  // Of another type, a page from elsewhere could send it unasked.
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw httpRefusal(415, `Messages are JSON: send "Content-Type: application/json", not ${shown(type)}.`);
  const text = (await readBody(request, response, MAX_BYTES)).toString('utf8');
  let value: unknown;
  try {
    value = readJson(text);
  } catch (error) {
    throw new RpcRefusal(400, { code: RPC_ERROR.parse, message: `The body is no JSON: ${messageOf(error)}.` });
  }
  if (Array.isArray(value)) {
    const message = 'Send messages one by one: several in one list are not taken.';
    throw new RpcRefusal(400, { code: RPC_ERROR.invalidRequest, message });
  }
  try {
    return checkedMessage(value);
  } catch (error) {
    if (!(error instanceof NoMessage)) throw error;
    const message = `The body is no message of JSON-RPC 2.0: ${error.message}.`;
    throw new RpcRefusal(400, { code: RPC_ERROR.invalidRequest, message });
  }
}
