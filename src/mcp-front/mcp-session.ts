import { answeringCapabilities } from '../mcp/attached-client.ts';
import { type ClientSession, type McpRequestOptions, WITHOUT_SESSION } from '../mcp/front-plugin.ts';
import {
  isNotification,
  isObject,
  isRequest,
  type JsonObject,
  type JsonRpcMessage,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type RequestId,
  RPC_ERROR,
} from '../mcp/json-rpc.ts';
import { META, MODERN_REVISION, negotiated } from '../mcp/revisions.ts';
import { RpcFailure } from '../mcp/rpc-failure.ts';
import type { AskOptions } from '../mcp/rpc-peer.ts';
import { withoutTasks } from '../mcp/tool-definition.ts';
import { UPDATED } from '../mcp/watched-resources.ts';
import { shortened } from '../text/shortened.ts';
import { shown } from '../text/shown.ts';
import { AskedClient } from './asked-client.ts';
import { clientText, isModern, metaOf, readEnvelope } from './envelope.ts';
import type { FrontService, ServiceDescription } from './front-service.ts';
import { ResourceWatches } from './resource-watches.ts';
import { faultOf, invalidParams } from './rpc-fault.ts';
import { RunningRequests } from './running-requests.ts';
import { LOG_NOTICE, type NoticeListener } from './server-notices.ts';
import { askService, checkedCall } from './service-requests.ts';
import { Subscriptions } from './subscriptions.ts';
import { LegacyTasks, TASKS_CAPABILITY, TASKS_REVISION } from './tasks/legacy-tasks.ts';
import { askModernTask, callAsTask, declaresTasks, MODERN_TASK_METHODS, withTasks } from './tasks/modern-tasks.ts';

/** Where messages to a client go: a transport. */
export interface Outlet {
  /** @param about the request that the message answers or tells of; undefined where it is of none */
  send(message: JsonRpcMessage, about: RequestId | undefined): void;
  /** Sends what a server asks of the client; false where the client reads nothing that it could be sent on. */
  ask(message: JsonRpcMessage): boolean;
  /** A request was cancelled, and gets no answer. */
  drop(id: RequestId): void;
}

/** What is known of the requests of a session. */
export interface SessionOptions {
  /** Called before each call of a tool; throws an `RpcFailure` to refuse it. */
  readonly checkTool?: McpRequestOptions['checkTool'];
  /** Whether they are of one client for as long as that is connected, and not of any for one request. Default true. */
  readonly isOfOneClient?: boolean | undefined;
}

/** What a client tells the servers that may ask it. */
const TOLD_SERVERS = new Set(['notifications/roots/list_changed']);

const LOG_LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

/** What modern clients may keep of an answer: nothing, as they are told of changes only where they subscribe. */
const NOT_CACHED = { ttlMs: 0, cacheScope: 'private' } as const;

/** Methods whose modern results say how long they hold. */
const CACHEABLE = new Set([
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'server/discover',
]);

/**
 * What one client says and is told, in both eras of the protocol: by the request, as modern ones say their revision
 * themselves. It knows of no transport: messages come by `receive`, and go to its outlet.
 */
export class McpSession implements ClientSession {
  readonly #service: FrontService;
  readonly #outlet: Outlet;
  readonly #onError: (error: unknown) => void;
  readonly #running = new RunningRequests();
  readonly #subscriptions: Subscriptions;
  readonly #watches: ResourceWatches;
  readonly #asked: AskedClient;
  readonly #servers = new Set<(method: string, params: JsonObject) => void>();
  readonly #checkTool: McpRequestOptions['checkTool'];
  /** Of a client whose revision has tasks. */
  #tasks: LegacyTasks | undefined;
  #stopTelling: (() => void) | undefined;
  #stopNotices: (() => void) | undefined;
  /** The level from which a legacy client wants to be told of logs. */
  #logLevel: string | undefined;
  #client: string | undefined;
  #capabilities: JsonObject = {};
  #isClosed = false;
  readonly #endListeners: (() => void)[] = [];
  /** Whether what it asks for is of one client for as long as that is connected. */
  readonly #isOfOneClient: boolean;
  /** Until the session has begun. */
  #beginning: Promise<void> | undefined;

  /**
   * @param onError is told of what is no fault of the client
   */
  constructor(
    service: FrontService,
    outlet: Outlet,
    onError: (error: unknown) => void,
    { checkTool, isOfOneClient = true }: SessionOptions = {},
  ) {
    this.#checkTool = checkTool;
    this.#isOfOneClient = isOfOneClient;
    this.#service = service;
    this.#outlet = outlet;
    this.#onError = onError;
    this.#watches = new ResourceWatches(service, (params) => this.#send({ jsonrpc: '2.0', method: UPDATED, params }));
    this.#asked = new AskedClient((message) => outlet.ask(message));
    this.#subscriptions = new Subscriptions(service, (message, about) => this.#send(message, about));
  }

  /** Whether the client began with `initialize`. */
  get isInitialized(): boolean {
    return this.#client !== undefined;
  }

  /** Whether a server waits for an answer of the client. */
  get isAsked(): boolean {
    return this.#asked.isAsked;
  }

  get capabilities(): JsonObject {
    return this.#capabilities;
  }

  ask(method: string, params: JsonObject, options: AskOptions): Promise<JsonObject> {
    return this.#asked.ask(method, params, options);
  }

  onTold(listener: (method: string, params: JsonObject) => void): () => void {
    this.#servers.add(listener);
    return () => void this.#servers.delete(listener);
  }

  /** Takes a message of the client. */
  receive(message: JsonRpcMessage): void {
    if (this.#isClosed) return;
    // What follows in the same read is of the session that begins.
    if (this.#beginning !== undefined) void this.#beginning.then(() => this.receive(message));
    else if (isRequest(message)) this.#begin(message);
    else if (isNotification(message)) this.#note(message);
    else this.#asked.take(message);
  }

  #begin(request: JsonRpcRequest): void {
    const answered = this.#answer(request);
    if (request.method !== 'initialize') return;
    this.#beginning = answered.finally(() => {
      this.#beginning = undefined;
    });
  }

  /** Ends the subscriptions in good order, with their results. */
  finish(): void {
    this.#subscriptions.finish();
  }

  onEnd(listener: () => void): void {
    if (this.#isClosed) listener();
    else this.#endListeners.push(listener);
  }

  /** The client is not there to hear answers: what it asked for is cancelled, and what it was asked fails. */
  giveUp(): void {
    this.#running.cancelAll(GONE);
    this.#asked.close();
  }

  /** The client has gone: what it asked for is cancelled, and it is told nothing more. */
  close(): void {
    this.#isClosed = true;
    for (const listener of this.#endListeners.splice(0)) listener();
    this.#stopTelling?.();
    this.#stopNotices?.();
    this.giveUp();
    this.#watches.close();
    this.#tasks?.close();
  }

  #send(message: JsonRpcMessage, about?: RequestId): void {
    if (!this.#isClosed) this.#outlet.send(message, about);
  }

  #note({ method, params = {} }: JsonRpcNotification): void {
    if (method === 'notifications/initialized') {
      if (!this.isInitialized) return;
      // Before, the client is not to be told anything.
      this.#stopTelling ??= this.#service.onToolsChanged(() =>
        this.#send({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' }),
      );
      this.#stopNotices ??= this.#service.onNotice?.(this.#noticeListener());
    } else if (method === 'notifications/cancelled') {
      const { requestId, reason } = params;
      const why =
        typeof reason === 'string' && reason !== ''
          ? `The client cancelled: ${shortened(reason, MAX_REASON)}`
          : undefined;
      this.#running.cancel(requestId as RequestId, why ?? 'The client cancelled the request.');
    } else if (method === 'notifications/progress') this.#asked.progress(params);
    else if (TOLD_SERVERS.has(method)) for (const tell of this.#servers) tell(method, params);
  }

  /** What a legacy client is told of the server behind the service. */
  #noticeListener(): NoticeListener {
    const running = this.#running;
    return {
      owner: this,
      get isBusy() {
        return running.size > 0;
      },
      tell: (method, params) => {
        if (method !== LOG_NOTICE) return this.#send({ jsonrpc: '2.0', method, params });
        const from = LOG_LEVELS.indexOf(this.#logLevel ?? '');
        if (LOG_LEVELS.indexOf(String(params['level'])) >= from)
          this.#send({ jsonrpc: '2.0', method, params }, running.only);
      },
    };
  }

  async #answer(request: JsonRpcRequest): Promise<void> {
    const { id } = request;
    if (this.#running.has(id)) {
      const message = `A request with the id ${shown(id)} runs already. Give each its own.`;
      return this.#send({ jsonrpc: '2.0', id, error: { code: RPC_ERROR.invalidRequest, message } }, id);
    }
    const signal = this.#running.begin(id);
    const onProgress = this.#progressOf(request, signal);
    let answer: JsonRpcMessage;
    try {
      const session = this.#isOfOneClient ? this : undefined;
      const options = { signal, onProgress, session, checkTool: this.#checkTool };
      answer = { jsonrpc: '2.0', id, result: await this.#resultOf(request, options) };
    } catch (error) {
      // What a cancelled request fails with is of no interest to anybody.
      answer = { jsonrpc: '2.0', id, error: faultOf(error, signal.aborted ? () => {} : this.#onError) };
    }
    this.#running.end(id);
    if (signal.aborted) this.#outlet.drop(id);
    else this.#sendAnswer(answer, id);
  }

  /** How the client is told of the progress of a request, if it wants to be. */
  #progressOf({ id, params }: JsonRpcRequest, signal: AbortSignal): McpRequestOptions['onProgress'] {
    const { progressToken } = metaOf(params);
    if (progressToken === undefined) return undefined;
    return (progress) => {
      if (signal.aborted) return;
      this.#send({ jsonrpc: '2.0', method: 'notifications/progress', params: { ...progress, progressToken } }, id);
    };
  }

  #sendAnswer(answer: JsonRpcMessage, id: RequestId): void {
    try {
      this.#send(answer, id);
    } catch (error) {
      // JSON cannot say the result, or it is nested too deep.
      this.#send({ jsonrpc: '2.0', id, error: faultOf(error, this.#onError) }, id);
    }
  }

  #resultOf(request: JsonRpcRequest, options: Omit<McpRequestOptions, 'client'>): Promise<JsonObject> {
    return isModern(request.params) ? this.#modernResult(request, options) : this.#legacyResult(request, options);
  }

  async #legacyResult(
    { method, params = {} }: JsonRpcRequest,
    options: Omit<McpRequestOptions, 'client'>,
  ): Promise<JsonObject> {
    if (method === 'ping') return {};
    if (method === 'initialize') return this.#initialize(params, options.signal);
    if (this.#client === undefined) throw new RpcFailure(RPC_ERROR.invalidRequest, BEGIN_FIRST);
    const all = { ...options, client: this.#client };
    if (method === 'logging/setLevel') return this.#setLogLevel(params, all);
    if (method === 'resources/subscribe') return this.#watches.watch(params, all);
    if (method === 'resources/unsubscribe') return this.#watches.unwatch(params);
    const ofTask = this.#tasks?.ask(method, params, all);
    if (ofTask !== undefined) return ofTask;
    const result = await askService(this.#service, method, this.#withLogLevel(params), all);
    return method === 'tools/list' && this.#tasks === undefined ? this.#withoutTasks(result) : result;
  }

  /** A modern server is told with each request. */
  #withLogLevel(params: JsonObject): JsonObject {
    if (this.#logLevel === undefined) return params;
    return { ...params, _meta: { ...metaOf(params), [META.logLevel]: this.#logLevel } };
  }

  /** A list of tools for a client whose revision says nothing there of our tasks. Those of a server are its own matter. */
  #withoutTasks(result: JsonObject): JsonObject {
    if (this.#service.tasks === undefined || !Array.isArray(result['tools'])) return result;
    return { ...result, tools: (result['tools'] as readonly JsonObject[]).map(withoutTasks) };
  }

  async #setLogLevel(params: JsonObject, options: McpRequestOptions): Promise<JsonObject> {
    const { level } = params;
    if (typeof level !== 'string' || !LOG_LEVELS.includes(level))
      throw invalidParams(`"level" must be one of ${LOG_LEVELS.join(', ')}.`);
    this.#logLevel = level;
    if (this.#service.request === undefined) return {};
    try {
      return await askService(this.#service, 'logging/setLevel', params, options);
    } catch (error) {
      const isUnknown = error instanceof RpcFailure && error.code === RPC_ERROR.methodNotFound;
      const { capabilities } = await this.#service.describe(options.signal);
      if (isUnknown && capabilities['logging'] !== undefined) return {};
      throw error;
    }
  }

  async #initialize(params: JsonObject, signal: AbortSignal): Promise<JsonObject> {
    const { protocolVersion, clientInfo } = params;
    if (this.isInitialized) throw new RpcFailure(RPC_ERROR.invalidRequest, 'This session has begun already.');
    if (typeof protocolVersion !== 'string') throw invalidParams('"protocolVersion" is missing: name a revision.');
    if (!isObject(params['capabilities'])) throw invalidParams('"capabilities" is missing: send an object.');
    const { capabilities, ...rest } = await this.#service.describe(signal);
    this.#client = clientText(clientInfo);
    this.#capabilities = answeringCapabilities(params['capabilities']);
    const revision = negotiated(protocolVersion);
    const { tasks } = this.#service;
    if (tasks !== undefined && revision === TASKS_REVISION)
      this.#tasks = new LegacyTasks(tasks, (message) => this.#send(message));
    const ours = this.#tasks === undefined ? {} : { tasks: TASKS_CAPABILITY };
    return { protocolVersion: revision, capabilities: { ...capabilities, ...ours }, ...rest };
  }

  async #modernResult(
    { id, method, params = {} }: JsonRpcRequest,
    options: Omit<McpRequestOptions, 'client'>,
  ): Promise<JsonObject> {
    const { client } = readEnvelope(params);
    const { serverInfo, ...described } = await this.#service.describe(options.signal);
    const result = await this.#modernAnswer(id, method, params, { ...options, client }, described);
    return {
      resultType: 'complete',
      ...(CACHEABLE.has(method) && NOT_CACHED),
      ...result,
      _meta: { [META.serverInfo]: serverInfo, ...metaOf(result) },
    };
  }

  async #modernAnswer(
    id: RequestId,
    method: string,
    params: JsonObject,
    options: McpRequestOptions,
    described: Omit<ServiceDescription, 'serverInfo'>,
  ): Promise<JsonObject> {
    const { tasks } = this.#service;
    switch (method) {
      case 'server/discover':
        return { supportedVersions: [MODERN_REVISION], ...(tasks === undefined ? described : withTasks(described)) };
      case 'subscriptions/listen':
        return this.#subscriptions.listen(id, params, described.capabilities, options);
      case 'tools/list':
        return this.#withoutTasks(await this.#askWithLog(id, method, params, options));
      default:
        return (await this.#modernTask(method, params, options)) ?? this.#askWithLog(id, method, params, options);
    }
  }

  /** The answer to what is about tasks of ours; undefined: it is not. */
  async #modernTask(method: string, params: JsonObject, options: McpRequestOptions): Promise<JsonObject | undefined> {
    const { tasks } = this.#service;
    if (tasks === undefined) return undefined;
    if (MODERN_TASK_METHODS.has(method)) return askModernTask(tasks, method, params);
    if (method !== 'tools/call' || !declaresTasks(params)) return undefined;
    return callAsTask(tasks, checkedCall(params), options);
  }

  /** Asks the service; what its server logs meanwhile is told where the request says from which level. */
  async #askWithLog(
    id: RequestId,
    method: string,
    params: JsonObject,
    options: McpRequestOptions,
  ): Promise<JsonObject> {
    const isTold = metaOf(params)[META.logLevel] !== undefined;
    const tell = (notice: string, said: JsonObject): void => {
      if (isTold && notice === LOG_NOTICE) this.#send({ jsonrpc: '2.0', method: notice, params: said }, id);
    };
    const stop = this.#service.onNotice?.({ owner: options.session ?? WITHOUT_SESSION, isBusy: true, tell });
    try {
      return await askService(this.#service, method, params, options);
    } finally {
      stop?.();
    }
  }
}

/** How much of why a client cancels is passed on, in characters. */
const MAX_REASON = 1_000;
const GONE = 'The client has gone.';
const BEGIN_FIRST = `Begin with "initialize", or, by revision ${MODERN_REVISION}, say the revision in the "_meta" of each request.`;
