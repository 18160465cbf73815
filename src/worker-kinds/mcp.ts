import { encodeJsonInput } from '../channel/encoded-input.ts';
import { McpChannel } from '../channel/mcp-channel.ts';
import { GreenroomError, messageOf } from '../errors.ts';
import { packageVersion } from '../files/package-version.ts';
import type { ManifestIssue } from '../manifest/manifest-issue.ts';
import { RPC_ERROR } from '../mcp/json-rpc.ts';
import { NoAgreement, negotiate } from '../mcp/negotiate.ts';
import { RpcFailure } from '../mcp/rpc-failure.ts';
import { RpcPeer } from '../mcp/rpc-peer.ts';
import { McpServer } from '../mcp/server.ts';
import { packageCommand } from '../packages/package-command.ts';
import { McpStart } from '../process/mcp-start.ts';
import type { WorkerKind } from './kind.ts';
import { EXIT_GRACE_MS } from './welcome.ts';

/** Fields about what the server says itself. */
const OF_OTHERS = ['config_schema', 'tools'];

/** A server of MCP on standard streams that knows nothing of Greenroom. */
export const mcp: WorkerKind<McpStart> = {
  name: 'mcp',
  required: ['command'],
  infers: () => false,
  // What the official clients give to servers.
  passEnv: ['HOME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER'],
  startMs: 60_000,
  // Servers take requests one after the other or together as they can. More would wait in theirs, and not in our queue.
  concurrency: 10,
  isPositional: false,
  checksInput: false,
  start: (request) => new McpStart(request, request.knownEra()),
  encode(plugin, input) {
    const isNamed = input === undefined || (typeof input === 'object' && input !== null && !Array.isArray(input));
    if (isNamed) return encodeJsonInput(plugin, input);
    throw new GreenroomError(
      'E_SERIALIZE',
      `The input of a call to "${plugin}" cannot be sent: a tool of a server of MCP takes named arguments. Pass an object.`,
      { plugin },
    );
  },
  programs: ({ resolved: { command: program } }) =>
    program === undefined ? [] : [{ field: 'command', what: 'program', program }],
  command: ({ manifest: { args = [] }, resolved }) => ({ file: resolved.command ?? '', args }),
  install: ({ file, args }) => (file === undefined ? undefined : packageCommand(file, args)),
  check: (fields) =>
    OF_OTHERS.filter((field) => fields[field] !== undefined).map(
      (field): ManifestIssue => ({
        field,
        reason: `unexpected; a server of MCP says its tools itself, and takes its config as arguments and variables; leave it out`,
      }),
    ),
  async connect({ plugin, process: worker, start, concurrency, client: session }, signal) {
    const streams = await worker.streams();
    const client = { name: 'greenroom', version: packageVersion() };
    let server: McpServer | undefined;
    const peer = new RpcPeer(streams, {
      onNotification(method, params) {
        if (method === 'notifications/message') start.log(params);
        server?.tell(method, params);
      },
      onRequest(method, params, options) {
        if (method === 'ping') return {};
        if (server !== undefined) return server.attached.ask(method, params, options);
        throw new RpcFailure(
          RPC_ERROR.invalidRequest,
          `Greenroom answers no "${method}" before the session has begun.`,
        );
      },
      onNoise: (warning) => start.note(warning, true),
      // The exit that most often follows says more, and may be a reason to start it again.
      onEnd: () => void setTimeout(() => peer.close(ended(plugin)), server === undefined ? EXIT_GRACE_MS : 0).unref(),
    });
    try {
      const introduction = { client, capabilities: session?.capabilities ?? {} };
      const agreement = await start.agree(() => negotiate(peer, introduction, start.knownEra, signal));
      server = new McpServer(peer, agreement, client, session);
      const stopTelling = session?.onTold((method, params) => peer.notify(method, params));
      worker.onExit(() => {
        stopTelling?.();
        peer.close(ended(plugin));
      });
    } catch (error) {
      peer.close(ended(plugin));
      signal.throwIfAborted();
      if (!(error instanceof NoAgreement)) throw error;
      throw new GreenroomError('E_HANDSHAKE', `The server of "${plugin}" ${messageOf(error)}.`, {
        plugin,
        cause: error,
      });
    }
    return { channel: new McpChannel({ plugin, process: worker, streams, peer, server }), concurrency };
  },
  templates: [
    {
      name: 'mcp',
      about: 'a server of MCP',
      example: 'plugins/hello-mcp',
      files: { 'server.mjs': 'the server', 'server.test.mjs': 'its test' },
      test: 'node --test',
      calls: [['--tool greet --arg name=Ada', 'call its tool "greet"']],
    },
  ],
};

function ended(plugin: string): GreenroomError {
  return new GreenroomError('E_CRASHED', `The server of "${plugin}" has ended, or closed its standard streams.`, {
    plugin,
  });
}
