import { createHttpChannel, notCallable } from '../channel/http-channel.ts';
import { GreenroomError } from '../errors.ts';
import type { ManifestIssue } from '../manifest/manifest-issue.ts';
import { HttpStart } from '../process/http-start.ts';
import { type HeldPort, holdPort } from '../process/ports.ts';
import type { SocketDirectory } from '../process/socket-directory.ts';
import type { StartRequest } from '../process/start-request.ts';
import { StopCommand } from '../process/stop-command.ts';
import { untilReady } from './http-readiness.ts';
import type { KindEntry, KindFields, WorkerKind } from './kind.ts';
import { filledHeaders, headerIssues } from './request-headers.ts';

/** Where servers listen: an address, as `localhost` may be IPv6 first for one of two programs. */
const HOST = '127.0.0.1';

/** Fields that say how a program is started and limited. */
const OF_PROGRAMS = ['args', 'cwd', 'env_vars', 'pass_env', 'stop_command', 'max_rss_mb', 'instances'];

/** Fields about what requests of the worker protocol ask for. */
const OF_CALLS = ['config_schema', 'tools'];

/** An HTTP server that knows nothing of Greenroom. */
export const http: WorkerKind<HttpStart> = {
  name: 'http',
  required: [['command', 'url']],
  infers: ({ url }) => url !== undefined,
  passEnv: [],
  // Servers load models before they are ready.
  startMs: 300_000,
  // Enough for servers that answer several requests together. More would wait in the server's own queue, where no
  // priority counts, and would be lost with it.
  concurrency: 10,
  isPositional: false,
  serves: true,
  tools: [],
  start: async (request, entry) => prepare(request, entry),
  encode(plugin) {
    throw notCallable(plugin);
  },
  programs: ({ resolved: { command: program } }) =>
    program === undefined ? [] : [{ field: 'command', what: 'program', program }],
  // The arguments are those of the start, which knows the port.
  command: ({ resolved }) => ({ file: resolved.command, args: [] }),
  check(fields) {
    const { url, liveness } = fields;
    const issues: ManifestIssue[] = headerIssues(fields.headers);
    const unexpected = (field: string, why: string): void => {
      if (fields[field] !== undefined) issues.push({ field, reason: `unexpected; ${why}` });
    };
    if (url !== undefined) {
      unexpected('command', 'the server at "url" is run by another program; leave out one of them');
      unexpected('base_path', 'put the path behind the address in "url"');
      for (const field of OF_PROGRAMS) unexpected(field, 'the server at "url" is run by another program; leave it out');
    }
    if (textsOf(fields).some((text) => text.includes('{socket}')))
      unexpected('base_path', 'it is for servers that listen on {port}, and this one is given {socket}');
    for (const field of OF_CALLS) unexpected(field, 'a worker of kind "http" takes requests only; leave it out');
    if (typeof liveness === 'object' && liveness.path === undefined) {
      issues.push({
        field: 'liveness.path',
        reason: 'missing; a worker of kind "http" is checked at a path, as "/health"',
      });
    }
    return issues;
  },
  async connect({ plugin, entry: { manifest }, process: worker, start, concurrency }, signal) {
    await untilReady({ plugin, worker, start, ready: manifest.ready }, signal);
    const { liveness } = manifest;
    const channel = createHttpChannel({
      plugin,
      address: start.address,
      headers: start.headers,
      livenessPath: typeof liveness === 'object' ? liveness.path : undefined,
      cleanup: start.stopCommand && (() => start.stopCommand?.run() ?? Promise.resolve()),
    });
    start.ready(() => channel.close());
    return { channel, concurrency };
  },
  templates: [
    {
      name: 'http',
      about: 'an HTTP server',
      example: 'plugins/hello-http',
      files: { 'server.mjs': 'the server', 'server.test.mjs': 'its test' },
      test: 'node --test',
      calls: [],
      request: '/greet?name=Ada',
    },
  ],
};

/** Finds a place for the server to listen, and tells it: in its arguments and variables. */
async function prepare(request: StartRequest, { manifest }: KindEntry): Promise<HttpStart> {
  const { url, base_path: basePath = '', args = [], env_vars: given = {}, stop_command: stopCommand } = manifest;
  const headers = filledHeaders(request.plugin.name, manifest.headers);
  if (url !== undefined) return new HttpStart({ address: url, headers, note: request.note });
  const variables = Object.entries(given).map(([name, value]) => [name, String(value)] as const);
  const texts = textsOf(manifest);
  const isNamed = (placeholder: string): boolean => texts.some((text) => text.includes(placeholder));
  const sockets = isNamed('{socket}') ? request.openSockets() : undefined;
  if (isNamed('{socket}') && sockets === undefined) throw noSocketError(request.plugin.name);
  const port = sockets === undefined || isNamed('{port}') ? await holdPortBeside(sockets) : undefined;
  const fill = (text: string): string =>
    text
      .replaceAll('{port}', String(port?.port ?? '{port}'))
      .replaceAll('{socket}', sockets?.worker ?? '{socket}')
      .replaceAll('{host}', HOST);
  const env = {
    ...(port !== undefined && { PORT: String(port.port) }),
    ...Object.fromEntries(variables.filter(([name, value]) => name === 'PORT' || fill(value) !== value)),
  };
  const filled = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, fill(value)]));
  return new HttpStart({
    address: sockets === undefined ? `http://${HOST}:${port?.port}${basePath}` : `unix:${sockets.worker}`,
    headers,
    port,
    sockets,
    note: request.note,
    args: args.map(fill),
    env: filled,
    stopCommand: stopCommand && new StopCommand(stopCommand.map(fill), withVariables(request, filled)),
  });
}

/** Holds a port; without one, the sockets are given back. */
async function holdPortBeside(sockets: SocketDirectory | undefined): Promise<HeldPort> {
  try {
    return await holdPort();
  } catch (error) {
    await sockets?.remove();
    throw error;
  }
}

/** Where placeholders may stand. */
function textsOf({ args = [], env_vars: variables = {} }: KindFields): string[] {
  return [...args, ...Object.values(variables).map(String)];
}

function withVariables({ cwd, env, note }: StartRequest, more: Readonly<Record<string, string>>) {
  return { cwd, env: { ...env, ...more }, note };
}

function noSocketError(plugin: string): GreenroomError {
  return new GreenroomError(
    'E_START',
    `The worker of "${plugin}" could not be started: its manifest has {socket}, and there are no Unix sockets here. Use {port} in its place.`,
    { plugin },
  );
}
