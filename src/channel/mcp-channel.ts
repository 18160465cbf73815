import { GreenroomError } from '../errors.ts';
import { readJson } from '../json/read-json.ts';
import { protocolFailure, toolError, valueOf } from '../mcp/call-result.ts';
import { isObject, type JsonObject } from '../mcp/json-rpc.ts';
import { RpcFailure } from '../mcp/rpc-failure.ts';
import type { AnswerSink, RpcPeer } from '../mcp/rpc-peer.ts';
import type { McpServer } from '../mcp/server.ts';
import { toolOf } from '../mcp/tool-definition.ts';
import type { WorkerProcess, WorkerStreams } from '../process/worker-process.ts';
import type { CancelOutcome, Health, Tool } from '../protocol.ts';
import { shown } from '../text/shown.ts';
import { brokenError } from './remote-error.ts';
import type { CallInFlight, CallSink, OutgoingCall, WorkerChannel } from './worker-channel.ts';

/** How long a server may take to end once its standard input has, in milliseconds, before it is sent a signal. */
const END_MS = 1_000;

/** What a channel to a server of MCP is made of. */
export interface McpChannelOptions {
  readonly plugin: string;
  readonly process: WorkerProcess;
  readonly streams: WorkerStreams;
  readonly peer: RpcPeer;
  readonly server: McpServer;
}

/** A call that was sent and not answered. */
interface RunningCall {
  /** The request whose answer is waited for. */
  readonly id: number;
  readonly sink: CallSink;
  /** The task that the server runs for it, where it does. */
  readonly task?: string | undefined;
}

/** The channel to a server of MCP on standard streams. Calls are `tools/call`; all of the protocol is behind `mcp`. */
export class McpChannel implements WorkerChannel {
  readonly mcp: McpServer;
  readonly isDoubtfulWhileCancelling = true;
  readonly #plugin: string;
  readonly #process: WorkerProcess;
  readonly #streams: WorkerStreams;
  readonly #peer: RpcPeer;
  readonly #running = new Map<string, RunningCall>();
  /** Ends the question whether it is alive as a call begins: a server of one thread answers nothing while it works. */
  #asking: AbortController | undefined;

  constructor({ plugin, process, streams, peer, server }: McpChannelOptions) {
    this.#plugin = plugin;
    this.#process = process;
    this.#streams = streams;
    this.#peer = peer;
    this.mcp = server;
  }

  execute(call: OutgoingCall, sink: CallSink): CallInFlight {
    const params = this.#paramsOf(call);
    if (params instanceof GreenroomError) {
      sink.onError(params);
      return UNPAUSED;
    }
    const isOver = (): boolean => !this.#running.delete(call.id);
    this.#asking?.abort();
    const answers: AnswerSink = {
      onProgress: (progress) => sink.onProgress(fractionOf(progress), messageIn(progress), progress),
      onResult: (result) => {
        const task = taskIn(result);
        if (call.asTask === true && task !== undefined && this.#running.get(call.id)?.task === undefined)
          return this.#follow(call, task, answers, sink);
        if (isOver()) return;
        if (call.mcpParams !== undefined) sink.onResult(result);
        else this.#give(result, sink);
      },
      onError: (error) => {
        if (!isOver()) sink.onError(this.#errorOf(error));
      },
    };
    const id = this.mcp.send('tools/call', params, answers, call.session);
    if (!this.#peer.closed) this.#running.set(call.id, { id, sink });
    return UNPAUSED;
  }

  /** Asks for the result of a task, which is answered once the task has ended. */
  #follow(call: OutgoingCall, task: string, answers: AnswerSink, sink: CallSink): void {
    if (!this.#running.has(call.id)) return;
    const id = this.mcp.send('tasks/result', { taskId: task }, answers, call.session);
    this.#running.set(call.id, { id, sink, task });
  }

  #paramsOf({ tool, input, mcpParams, traceparent, asTask }: OutgoingCall): JsonObject | GreenroomError {
    const plugin = this.#plugin;
    const given = mcpParams ?? { name: tool, arguments: readJson(input.kwargs) as JsonObject };
    const params = asTask === true ? { ...given, task: {} } : given;
    if (params['name'] === undefined)
      return new GreenroomError(
        'E_INPUT',
        `"${plugin}" has no "execute": it is a server of MCP. Name one of its tools; "greenroom list --tools" shows them.`,
        { plugin },
      );
    if (traceparent === undefined) return params;
    const { _meta: meta } = params;
    return { ...params, _meta: { ...(isObject(meta) ? meta : {}), traceparent } };
  }

  #give(result: JsonObject, sink: CallSink): void {
    const plugin = this.#plugin;
    const { isError, resultType } = result;
    if (isError === true) sink.onError(toolError(plugin, result));
    else if (resultType !== undefined && resultType !== 'complete')
      sink.onError(
        new GreenroomError(
          'E_UNSUPPORTED',
          `"${plugin}" asks its caller something in the middle of the call (${shown(resultType)}), which only clients of MCP can answer.`,
          { plugin },
        ),
      );
    else sink.onResult(valueOf(result));
  }

  /**
   * A cancelled request is never answered, whatever becomes of it. So the call counts as given up once the server has
   * answered a question that came after: one that is stuck in the call does not.
   */
  async cancel(call: string): Promise<CancelOutcome> {
    const running = this.#running.get(call);
    if (running === undefined) return 'unknown';
    this.mcp.cancel(running.id, 'The caller gave it up.');
    if (running.task !== undefined)
      this.mcp.request('tasks/cancel', { taskId: running.task }, { signal: NEVER }).catch(() => {});
    await this.mcp.roundTrip(NEVER);
    if (this.#running.delete(call)) running.sink.onError(this.#givenUpError());
    return 'requested';
  }

  #givenUpError(): GreenroomError {
    return new GreenroomError('E_CANCELLED', `The call to "${this.#plugin}" was cancelled.`, { plugin: this.#plugin });
  }

  async health(signal: AbortSignal): Promise<Health> {
    if (this.#peer.closed) throw brokenError(this.#plugin);
    if (this.mcp.running === 0) {
      const asking = new AbortController();
      this.#asking = asking;
      await this.mcp.roundTrip(AbortSignal.any([signal, asking.signal])).catch((error: unknown) => {
        if (!asking.signal.aborted || signal.aborted) throw error;
      });
    }
    return { status: 'ok', pid: this.#process.pid ?? 0, nonce: '' };
  }

  async tools(signal: AbortSignal): Promise<readonly Tool[]> {
    // A server without the capability may know no such request.
    if (this.mcp.description.capabilities['tools'] === undefined) return [];
    try {
      const definitions = await this.mcp.list('tools/list', 'tools', signal);
      return definitions.map(toolOf).filter((tool) => tool !== undefined);
    } catch (error) {
      throw this.#errorOf(error as Error);
    }
  }

  onToolsChanged(listener: () => void): void {
    this.mcp.onNotification((method) => {
      if (method === 'notifications/tools/list_changed') listener();
    });
  }

  /** Ends its standard input, at which a server is to end by itself. */
  cleanup(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, END_MS);
      const end = (): void => {
        clearTimeout(timer);
        resolve();
      };
      signal.addEventListener('abort', end, { once: true });
      this.#process.onExit(end);
      this.#streams.input.end();
    });
  }

  close(): void {
    this.#peer.close(brokenError(this.#plugin));
    this.#running.clear();
  }

  #errorOf(error: Error): GreenroomError {
    if (error instanceof RpcFailure) return protocolFailure(this.#plugin, error);
    return error instanceof GreenroomError ? error : brokenError(this.#plugin, error);
  }
}

/** One answer comes in one piece: there is nothing to hold back. */
const UNPAUSED: CallInFlight = { pause() {}, resume() {} };

/** The end of a server ends what it is asked. */
const NEVER = new AbortController().signal;

/** The task that an answer names, in place of a result. */
function taskIn({ task }: JsonObject): string | undefined {
  return isObject(task) && typeof task['taskId'] === 'string' ? task['taskId'] : undefined;
}

function fractionOf({ progress, total }: JsonObject): number {
  if (typeof progress !== 'number' || typeof total !== 'number' || !(total > 0)) return -1;
  return Math.min(1, Math.max(0, progress / total));
}

function messageIn({ message }: JsonObject): string | undefined {
  return typeof message === 'string' ? message : undefined;
}
