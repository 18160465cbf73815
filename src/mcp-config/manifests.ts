import { PASSED_VARIABLES } from './passed-variables.ts';
import type { McpServer, StdioServer } from './server.ts';

/** The manifest of a server. It may hold secrets in `args` and `env_vars`, so that it is not to be written to a file. */
export interface McpManifest {
  readonly name: string;
  readonly description?: string;
  readonly worker: 'mcp';
  readonly command: string;
  readonly args?: readonly string[];
  readonly cwd: string;
  readonly env_vars?: Readonly<Record<string, string>>;
  readonly pass_env: readonly string[];
  readonly allow_tools?: readonly string[];
  readonly deny_tools?: readonly string[];
}

/** A manifest, and the servers of configurations that it stands for. */
export interface McpPlugin {
  readonly manifest: McpManifest;
  /** At least one; all run the same program. */
  readonly servers: readonly StdioServer[];
}

/** A name of a plugin may have 128 characters; a number may follow. */
const MAX_LENGTH = 120;

/** The manifest of a server, under a name that is valid for a plugin. */
export function toManifest(server: StdioServer, name: string): McpManifest {
  const { description, command, args, cwd, env } = server;
  return {
    name,
    ...(description !== undefined && { description }),
    worker: 'mcp',
    command,
    ...(args.length > 0 && { args }),
    cwd,
    ...(Object.keys(env).length > 0 && { env_vars: env }),
    pass_env: PASSED_VARIABLES,
  };
}

/**
 * A plugin for each program that servers are: those with the same command, arguments, environment and folder are one, under
 * the name of the first, in whichever files they are. Of different programs with one name, the second gets a number behind
 * it. What one file leaves out of the tools of a program is left out. Servers that are disabled or remote have no plugin.
 *
 * @param taken names that other plugins have already
 */
export function mcpPlugins(servers: readonly McpServer[], taken: Iterable<string> = []): McpPlugin[] {
  const programs = new Map<string, [StdioServer, ...StdioServer[]]>();
  for (const server of servers) {
    if (server.kind === 'remote' || server.disabled) continue;
    const same = programs.get(programOf(server));
    if (same === undefined) programs.set(programOf(server), [server]);
    else same.push(server);
  }
  const names = new Set([...taken].map(comparable));
  return [...programs.values()].map((same) => {
    const name = pluginName(same[0].name);
    let free = name;
    for (let count = 2; names.has(comparable(free)); count += 1) free = `${name}-${count}`;
    names.add(comparable(free));
    return { manifest: { ...toManifest(same[0], free), ...toolsOf(same) }, servers: same };
  });
}

/** The tools that all of these servers offer. */
function toolsOf(servers: readonly StdioServer[]): Pick<McpManifest, 'allow_tools' | 'deny_tools'> {
  const denied = [...new Set(servers.flatMap(({ disabledTools }) => disabledTools))];
  const [first, ...others] = servers.flatMap(({ enabledTools }) => (enabledTools === undefined ? [] : [enabledTools]));
  const allowed = first?.filter((tool) => others.every((each) => each.includes(tool)));
  return {
    ...(allowed !== undefined && { allow_tools: allowed }),
    ...(denied.length > 0 && { deny_tools: denied }),
  };
}

/** What tells one program from another. */
function programOf({ command, args, env, cwd }: StdioServer): string {
  const variables = Object.entries(env).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([command, args, variables, cwd]);
}

/** Names of plugins become names of files, which may not tell upper and lower case apart. */
function comparable(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

/** A name that is valid for a plugin, of any text. */
export function pluginName(name: string): string {
  const plain = name
    // eslint-disable-next-line no-control-regex
    .replaceAll(/[\u0000-\u001f\u007f/\\]+/g, '-')
    .slice(0, MAX_LENGTH)
    // Half a character.
    .replace(/[\ud800-\udbff]$/, '')
    .replaceAll(/^[\s-]+|[\s-]+$/g, '');
  return plain === '' || plain === '.' || plain === '..' ? 'server' : plain;
}
