import type { Fields } from '../json/fields.ts';
import { type JsonPath, pathText } from '../json/json-text.ts';
import { isObject } from '../json-schema/schema.ts';
import { expectedText } from '../text/expected.ts';
import { refusals, zodMessages } from '../text/zod-messages.ts';
import { CLIENTS, type ClientName } from './clients.ts';
import { type McpConfigFile, pathsOf } from './config-files.ts';
import type { Input } from './inputs.ts';
import { isPassed } from './passed-variables.ts';
import { type Report, reportUnknown } from './problem.ts';
import type { McpServer, RemoteServer, StdioServer } from './server.ts';
import { REMOTE_TYPES, SERVER_KEYS, type ServerKeys, STDIO_TYPES, serverSchema } from './server-keys.ts';
import { type Fill, fillBy, type Surroundings } from './variables.ts';

/** What a server's keys mean, beside the keys themselves. */
export interface ServerContext {
  readonly file: McpConfigFile;
  readonly client: ClientName;
  readonly surroundings: Surroundings;
  /** The folder that the server is about; absent where there is none. */
  readonly workspace: string | undefined;
  readonly project: string | undefined;
  readonly inputs: ReadonlyMap<string, Input>;
  /** The digits of a number, as they are written. */
  readonly digitsAt: (path: JsonPath) => string | undefined;
  /** The variables of an `envFile`, by its absolute path, or why there are none. */
  readonly readEnvFile: (path: string) => ReadonlyMap<string, string> | { readonly reason: string };
  readonly report: Report;
}

/** Reads one server. Undefined where it cannot be run, or only its client can run it, which was reported. */
export function readServer(
  name: string,
  given: unknown,
  path: JsonPath,
  context: ServerContext,
): McpServer | undefined {
  const { client, file, project, report } = context;
  if (!isObject(given)) {
    report('error', path, 'expected an object with "command" or "url"');
    return undefined;
  }
  const fields = withoutNulls(given);
  reportUnknown(fields, SERVER_KEYS, path, report);
  const parsed = serverSchema.safeParse(fields, { error: zodMessages('key') });
  if (!parsed.success) {
    for (const issue of refusals(parsed.error.issues))
      report('error', [...path, ...(issue.path as JsonPath)], issue.message);
    return undefined;
  }
  const keys = parsed.data;
  const isDisabled = keys.disabled === true || keys.enabled === false;
  const url = keys.url ?? keys.serverUrl;
  const named = {
    name,
    file: file.path,
    client,
    scope: file.scope,
    field: pathText(path),
    disabled: isDisabled,
    ...(project !== undefined && { project }),
    ...(keys.description !== undefined && { description: keys.description }),
  };
  const kind = kindOf(keys, path, report);
  if (kind === undefined) return undefined;
  if (kind === 'remote') return remoteServer(named, url ?? '', path, report);
  if (keys.command === undefined) return undefined;
  if (url !== undefined)
    report(
      'warning',
      [...path, keys.url === undefined ? 'serverUrl' : 'url'],
      'ignored, as "type" is that of a program',
    );
  if (keys.sandboxEnabled === true)
    report('warning', [...path, 'sandboxEnabled'], 'has no effect: the server is run without the sandbox of VS Code');
  return stdioServer(named, { ...keys, command: keys.command }, path, context);
}

/** Whether it is a program or a server elsewhere; undefined where neither is said clearly, which is reported. */
function kindOf({ type, command, url, serverUrl, source, settings }: ServerKeys, path: JsonPath, report: Report) {
  const hasUrl = url !== undefined || serverUrl !== undefined;
  const fail = (at: JsonPath, reason: string): undefined => {
    report('error', at, reason);
  };
  if (type !== undefined && REMOTE_TYPES.includes(type))
    return hasUrl ? 'remote' : fail([...path, 'url'], `missing; a server of type "${type}" needs it`);
  if (type !== undefined && !STDIO_TYPES.includes(type))
    return fail([...path, 'type'], expectedText({ enum: [...STDIO_TYPES, ...REMOTE_TYPES] }, type));
  if (command === undefined && (source === 'extension' || (settings !== undefined && !hasUrl))) {
    report('warning', path, 'a server of a Zed extension: not run by Greenroom, as only Zed knows its program');
    return undefined;
  }
  if (type === undefined && command !== undefined && hasUrl)
    return fail(path, 'has both "command" and a URL; keep one, or say which counts with "type"');
  if (command !== undefined) return 'stdio';
  if (type === undefined && hasUrl) return 'remote';
  return fail([...path, 'command'], 'missing; a server needs "command", or "url" where it is a remote one');
}

type Named = Omit<RemoteServer, 'kind' | 'url'>;

function remoteServer(named: Named, url: string, path: JsonPath, report: Report): RemoteServer {
  if (!named.disabled)
    report('warning', path, `remote: not run by Greenroom; connect to ${hostIn(url)} from the client itself`);
  return { ...named, kind: 'remote', url };
}

/** What comes before the path: the rest may be secret. */
function hostIn(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'its URL';
}

function stdioServer(
  named: Named,
  keys: ServerKeys & { readonly command: NonNullable<ServerKeys['command']> },
  path: JsonPath,
  context: ServerContext,
): StdioServer | undefined {
  const { client, surroundings, workspace, readEnvFile } = context;
  const { isAbsolute, join, resolve } = pathsOf(surroundings.platform);
  let isSound = true;
  const report: Report = (severity, at, reason) => {
    // What a server that is not run needs is of no interest.
    if (named.disabled) return;
    if (severity === 'error') isSound = false;
    context.report(severity, at, reason);
  };
  const fillVariables = fillBy({ ...context, client: CLIENTS[client], report });
  const fill: Fill = (text, at) => {
    const filled = fillVariables(text, at);
    if (filled?.includes('\0') === true) report('error', at, 'must not contain the character NUL');
    return filled;
  };
  const inFolder = (given: string): string => {
    const whole = /^~(?=$|[/\\])/.test(given) ? join(surroundings.home, given.slice(1)) : given;
    return isAbsolute(whole) ? whole : resolve(workspace ?? surroundings.home, whole);
  };
  const { command: program, args: ownArgs, env: ownEnv } = keys;
  const isOld = typeof program === 'object';
  const inside = isOld ? [...path, 'command'] : path;
  const commandPath = [...inside, isOld ? 'path' : 'command'];
  const command = fill(isOld ? program.path : program, commandPath) ?? '';
  if (command.trim() === '' && isSound) report('error', commandPath, 'must not be empty');
  const textOf = (value: string | number | boolean, at: JsonPath): string =>
    typeof value === 'string' ? (fill(value, at) ?? '') : (context.digitsAt(at) ?? String(value));
  const args = ((isOld ? program.args : ownArgs) ?? []).map((each, index) => textOf(each, [...inside, 'args', index]));
  const cwd = inFolder(fill(keys.cwd ?? '.', [...path, 'cwd']) ?? '.');
  const env = new Map<string, string>();
  if (keys.envFile !== undefined && !named.disabled) {
    const at = [...path, 'envFile'];
    const file = fill(keys.envFile, at);
    const found = file === undefined ? new Map<string, string>() : readEnvFile(inFolder(file));
    if ('reason' in found) report('error', at, found.reason);
    else for (const [name, value] of found) env.set(name, value);
  }
  for (const [name, value] of Object.entries((isOld ? program.env : ownEnv) ?? {})) {
    const at = [...inside, 'env', name];
    if (!/^[^=\0]+$/.test(name)) report('error', at, 'must have a name that is not empty, without "=" and NUL');
    else if (value !== null) env.set(name, textOf(value, at));
    else {
      env.delete(name);
      if (isPassed(name))
        report('warning', at, 'is not removed: every worker gets this variable. Set it to "" instead.');
    }
  }
  if (!isSound) return undefined;
  const { disabledTools = [], tools, timeout } = keys;
  return {
    ...named,
    kind: 'stdio',
    command: /[/\\]/.test(command) ? inFolder(command) : command,
    args,
    env: Object.fromEntries(env),
    cwd,
    disabledTools,
    ...(tools !== undefined && !tools.includes('*') && { enabledTools: tools }),
    ...(timeout !== undefined && { timeoutMs: timeout * CLIENTS[client].timeoutUnitMs }),
  };
}

/** Null counts as absent, except in `env`, which is not looked into. */
function withoutNulls(fields: Readonly<Fields>): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}
