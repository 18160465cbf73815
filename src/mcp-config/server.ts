import type { ClientName } from './clients.ts';
import type { McpConfigFile } from './config-files.ts';

/** A server as a configuration names it. */
export type McpServer = StdioServer | RemoteServer;

interface NamedServer {
  /** As the file names it: any text. */
  readonly name: string;
  /** The path of the file. */
  readonly file: string;
  readonly client: ClientName;
  readonly scope: McpConfigFile['scope'];
  /** Where it stands in the file: `mcpServers.files`. */
  readonly field: string;
  /** The file says that its client is not to run it. */
  readonly disabled: boolean;
  /** The one folder for which its client runs it, where the file is the user's own and says so. */
  readonly project?: string | undefined;
  readonly description?: string | undefined;
}

/** A server that is a program, which speaks MCP over its standard streams. Its variables are filled in. */
export interface StdioServer extends NamedServer {
  readonly kind: 'stdio';
  /** An absolute path, or a name to be found on PATH. */
  readonly command: string;
  readonly args: readonly string[];
  /** What the file sets; may hold secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute. */
  readonly cwd: string;
  /** Tools that are not to be offered. */
  readonly disabledTools: readonly string[];
  /** The only tools to be offered; absent for all. */
  readonly enabledTools?: readonly string[] | undefined;
  /** How long a call may take, in milliseconds. */
  readonly timeoutMs?: number | undefined;
}

/** A server somewhere else, which Greenroom does not run. */
export interface RemoteServer extends NamedServer {
  readonly kind: 'remote';
  /** As it is written, with variables; may hold secrets. */
  readonly url: string;
}
