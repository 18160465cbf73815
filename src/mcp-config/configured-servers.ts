import { homedir } from 'node:os';
import type { ManifestProblem } from '../manifest/manifest-problem.ts';
import { type ManifestEntry, toEntry } from '../manifest/read.ts';
import { parseManifest } from '../manifest/schema.ts';
import { defaultMcpConfig } from '../settings/places.ts';
import { configFileAt, type McpConfigFile } from './config-files.ts';
import { type McpPlugin, mcpPlugins, pluginName } from './manifests.ts';
import { isOwnServer } from './own-server.ts';
import type { McpConfigProblem } from './problem.ts';
import { type McpConfigReading, readMcpConfig } from './read-config.ts';
import type { McpServer, StdioServer } from './server.ts';
import { type TrustStore, trustFile, trustStore } from './trust.ts';

/** What {@link ConfiguredServers} takes. */
export interface McpConfigOptions {
  /**
   * The configuration files, as absolute paths. That of the data directory need not be there, the others must. Where there
   * are some, the files of projects that are trusted are read too.
   */
  readonly files: readonly string[];
  /** Its `mcp.json` need not be there. */
  readonly dataDir: string;
  /**
   * The data directory that the user has chosen, and no project: it holds which files of projects are trusted, and its own
   * `mcp.json` is the user's.
   */
  readonly userDataDir: string;
  /** What fills in variables. Default: this process's. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The user's home folder. Default: that of the system's user. */
  readonly home?: string | undefined;
}

/** What the configurations of MCP clients come to. */
export interface ConfiguredManifests {
  /** A manifest for each program, of which `file` and `searchPath` are the configuration. They may hold secrets. */
  readonly entries: readonly ManifestEntry[];
  readonly problems: readonly ManifestProblem[];
}

/**
 * The servers that configuration files of MCP clients name, as manifests. A file that can no longer be read keeps its last
 * servers, and so does a server that is no longer valid. Watches nothing: it is told when to read.
 */
export class ConfiguredServers {
  readonly #options: McpConfigOptions;
  readonly #trust: TrustStore;
  readonly #readings = new Map<string, McpConfigReading>();
  #isTold = false;

  constructor(options: McpConfigOptions) {
    this.#options = options;
    this.#trust = trustStore(options.userDataDir);
  }

  /** The paths of the configuration files. */
  get paths(): readonly string[] {
    return this.#files.map(({ path }) => path);
  }

  /** Every file on which the manifests depend: those with environment variables, and which files are trusted, as well. */
  get sources(): ReadonlySet<string> {
    if (this.#files.length === 0) return new Set();
    const readings = [...this.#readings.values()];
    const envFiles = readings.flatMap(({ content }) => [...(content?.envFiles.keys() ?? [])]);
    return new Set([...this.paths, ...envFiles, trustFile(this.#options.userDataDir)]);
  }

  /** Whether a file is there that the system could not read, which may pass without a change of it. */
  isAnyUnreadable(): boolean {
    return [...this.#readings.values()].some(({ unreadable }) => unreadable === true);
  }

  /** What a file holds now; null where there is none. Changes nothing until it is noted. */
  read(path: string): McpConfigReading | null {
    const file = this.#files.find((each) => each.path === path);
    return file === undefined ? null : readMcpConfig(file, this.#surroundings());
  }

  /** Whether a file says less than it has said: nothing, or nothing usable, as while an editor writes it. */
  isWorse(path: string, reading: McpConfigReading | null): boolean {
    const known = this.#readings.get(path);
    if (reading === null) return known !== undefined;
    const isKnown = ({ field, reason }: McpConfigProblem): boolean =>
      known?.problems.some((problem) => problem.field === field && problem.reason === reason) === true;
    if (reading.problems.some((problem) => problem.severity === 'error' && !isKnown(problem))) return true;
    return reading.content?.text.trim() === '' && known?.servers.length !== 0 && known !== undefined;
  }

  /** Notes what a file holds. */
  note(path: string, reading: McpConfigReading | null): void {
    this.#isTold = false;
    const former = this.#readings.get(path);
    if (reading === null) this.#readings.delete(path);
    else this.#readings.set(path, former === undefined ? reading : withLastValid(reading, former));
  }

  /** What all files come to, once after each note; else undefined. */
  take(): ConfiguredManifests | undefined {
    if (this.#isTold) return undefined;
    this.#isTold = true;
    const problems: McpConfigProblem[] = [];
    const servers = this.#files.flatMap((file) => this.#serversOf(file, problems));
    const entries = mcpPlugins(servers).flatMap((plugin) => entryOf(plugin, problems));
    return { entries, problems: problems.map(toProblem) };
  }

  /** The servers of a file that may be run. */
  #serversOf({ path }: McpConfigFile, problems: McpConfigProblem[]): readonly McpServer[] {
    const reading = this.#readings.get(path);
    if (reading === undefined) {
      if (path !== defaultMcpConfig(this.#options.dataDir))
        problems.push({ file: path, reason: 'does not exist', severity: 'error' });
      return [];
    }
    problems.push(...reading.problems);
    const { content } = reading;
    const servers = reading.servers.filter(isRunnable);
    if (servers.length === 0 || content === undefined) return [];
    const verdict = this.#trust.isTrusted(content);
    if (!verdict.trusted) {
      problems.push({ file: path, reason: verdict.reason, severity: 'error' });
      return [];
    }
    return servers.filter((server) => {
      const isOwn = isOwnServer(server);
      if (isOwn) problems.push(warningOf(server, '', 'left out: it is Greenroom itself, which would call itself'));
      else if (server.timeoutMs !== undefined)
        problems.push(warningOf(server, '.timeout', 'not heeded: a call may take as long as its caller waits'));
      return !isOwn;
    });
  }

  /** Those of the options, and the files of projects that are trusted, now. */
  get #files(): readonly McpConfigFile[] {
    const { files } = this.#options;
    return [...new Set([...files, ...(files.length === 0 ? [] : this.#trusted())])].map((path) => this.#fileAt(path));
  }

  #trusted(): readonly string[] {
    try {
      return this.#trust.list().map(({ file }) => file);
    } catch {
      // What cannot be read trusts nothing, which the verdict on each file says.
      return [];
    }
  }

  #fileAt(path: string): McpConfigFile {
    const { dataDir, userDataDir } = this.#options;
    if (path === defaultMcpConfig(userDataDir)) return { client: 'unknown', path, scope: 'user' };
    return configFileAt(path, { ...this.#surroundings(), cwd: dataDir });
  }

  #surroundings() {
    const { env = process.env, home = homedir() } = this.#options;
    return { platform: process.platform, env, home };
  }
}

function isRunnable(server: McpServer): server is StdioServer {
  return server.kind === 'stdio' && !server.disabled;
}

/** What a file holds, with what it held before in place of what is no longer valid. */
function withLastValid(reading: McpConfigReading, former: McpConfigReading): McpConfigReading {
  const { problems, servers, unreadable } = reading;
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (servers.length === 0 && errors.some(({ server }) => server === undefined))
    return { problems, servers: former.servers, content: former.content, unreadable };
  // Of a project's file, only what its user has seen as a whole may run.
  if (former.content?.file.scope !== 'user') return reading;
  const fields = new Set(servers.map(({ field }) => field));
  const isBroken = ({ name, field }: McpServer): boolean =>
    !fields.has(field) && errors.some((error) => error.server === name && isWithin(error.field, field));
  return { ...reading, servers: [...servers, ...former.servers.filter(isBroken)] };
}

function isWithin(field: string | undefined, place: string): boolean {
  return field === place || field?.startsWith(`${place}.`) === true || field?.startsWith(`${place}[`) === true;
}

function entryOf({ manifest, servers }: McpPlugin, problems: McpConfigProblem[]): ManifestEntry[] {
  const [server] = servers;
  if (server === undefined) return [];
  const parsed = parseManifest(manifest);
  if (!parsed.ok) {
    for (const { field, reason } of parsed.issues)
      problems.push({ file: server.file, field: server.field, reason: `${field}: ${reason}`, severity: 'error' });
    return [];
  }
  if (manifest.name !== pluginName(server.name))
    problems.push(
      warningOf(
        server,
        '',
        `"${pluginName(server.name)}" is another server; this one is the plugin "${manifest.name}"`,
      ),
    );
  return [toEntry(parsed.manifest, server.file, server.file, server.field)];
}

function warningOf({ file, field, name }: StdioServer, below: string, reason: string): McpConfigProblem {
  return { file, field: `${field}${below}`, server: name, reason, severity: 'warning' };
}

/** Which server it is stands in the field. */
function toProblem({ file, field, reason, severity }: McpConfigProblem): ManifestProblem {
  return { file, ...(field !== undefined && { field }), reason, severity };
}
