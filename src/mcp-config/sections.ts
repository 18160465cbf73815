import type { JsonPath } from '../json/json-text.ts';
import { isObject } from '../json-schema/schema.ts';
import type { ClientName } from './clients.ts';
import { type Input, readInputs } from './inputs.ts';
import { type Report, reportUnknown } from './problem.ts';

/** A part of a file that holds servers, by their names. */
export interface Section {
  readonly path: JsonPath;
  readonly servers: Readonly<Record<string, unknown>>;
  readonly inputs: ReadonlyMap<string, Input>;
  /** The folder for which alone it is, where the file says so. */
  readonly project?: string | undefined;
}

/** The sections of a file, and the client that its keys are those of, where its name does not tell. */
export interface Sections {
  readonly client: ClientName;
  readonly sections: readonly Section[];
}

/** The keys beside servers of files that hold nothing else. */
const BESIDE = ['$schema', 'inputs', 'sandbox'];
const SECTIONS = ['mcpServers', 'servers', 'context_servers', 'mcp', 'projects'];

/** Files that hold other settings of their clients as well, most of which are no business of ours. */
const SETTINGS = /(^|[/\\])(settings|\.claude|claude_desktop_config)\.json$/;

const NO_INPUTS: ReadonlyMap<string, Input> = new Map();

/**
 * Finds the servers in the content of a file: `mcpServers` (Claude, Copilot, Cursor, Windsurf; in `~/.claude.json` also those
 * of each project), `servers` and `mcp.servers` (VS Code), `context_servers` (Zed). All that a file has are read.
 */
export function sectionsOf(
  value: Readonly<Record<string, unknown>>,
  path: string,
  named: ClientName,
  report: Report,
): Sections {
  const sections: Section[] = [];
  const add = (at: JsonPath, servers: unknown, more: Partial<Section> = {}): void => {
    if (servers === undefined || servers === null) return;
    if (isObject(servers)) sections.push({ path: at, servers, inputs: NO_INPUTS, ...more });
    else report('error', at, 'expected an object of servers by their names');
  };
  const { mcpServers, projects, servers, inputs, mcp, context_servers: contextServers } = value;
  add(['mcpServers'], mcpServers);
  for (const [project, each] of Object.entries(isObject(projects) ? projects : {}))
    if (isObject(each)) add(['projects', project, 'mcpServers'], each['mcpServers'], { project });
  add(['servers'], servers, { inputs: readInputs(inputs, ['inputs'], report) });
  if (isObject(mcp)) {
    add(['mcp', 'servers'], mcp['servers'], { inputs: readInputs(mcp['inputs'], ['mcp', 'inputs'], report) });
  }
  add(['context_servers'], contextServers);
  if (!SETTINGS.test(path)) checkKeys(value, report);
  return { client: named === 'unknown' ? clientBy(value) : named, sections };
}

function checkKeys(value: Readonly<Record<string, unknown>>, report: Report): void {
  reportUnknown(value, new Set([...SECTIONS, ...BESIDE]), [], report);
  if (!SECTIONS.some((key) => key in value))
    report('warning', [], 'has no servers; expected "mcpServers", "servers" (VS Code) or "context_servers" (Zed)');
}

function clientBy(value: Readonly<Record<string, unknown>>): ClientName {
  if ('context_servers' in value) return 'zed';
  if ('servers' in value || 'mcp' in value) return 'vscode';
  if ('projects' in value) return 'claude-code';
  const servers = isObject(value['mcpServers']) ? Object.values(value['mcpServers']) : [];
  return servers.some((each) => isObject(each) && 'serverUrl' in each) ? 'windsurf' : 'unknown';
}
