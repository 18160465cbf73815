import { basename, dirname, join, posix, win32 } from 'node:path';
import { realPath } from '../files/real-path.ts';
import type { ClientName } from './clients.ts';

/** A configuration file of an MCP client. */
export interface McpConfigFile {
  readonly client: ClientName;
  /** Absolute. */
  readonly path: string;
  /** Whose it is: the user's own, or one that came with a project, which runs nothing until it is trusted. */
  readonly scope: 'user' | 'project';
}

/** What the places of configuration files follow from. */
export interface ConfigPlaces {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home folder, absolute. */
  readonly home: string;
  /** The folder of the project, absolute. */
  readonly cwd: string;
}

/** Folders of a project whose files are about the folder above them. */
const SETTINGS_FOLDERS = ['.cursor', '.github', '.vscode', '.zed'];

/**
 * Where the clients look for their configurations: the user's own files, then those of the project in `cwd`. Whether they
 * are there is not looked at.
 *
 * @see docs of the vendors, as of November 2026; that of Claude Desktop on Linux is the place of its unofficial builds
 */
export function mcpConfigFiles(places: ConfigPlaces): McpConfigFile[] {
  const { cwd } = places;
  const { join } = pathsOf(places.platform);
  const own = userFiles(places);
  const projects: readonly [ClientName, ...string[]][] = [
    ['claude-code', '.mcp.json'],
    ['cursor', '.cursor', 'mcp.json'],
    ['vscode', '.vscode', 'mcp.json'],
  ];
  // In the home folder, Cursor's file of the project is that of the user.
  const found = projects.map(([client, ...steps]) => ({
    client,
    path: join(cwd, ...steps),
    scope: 'project' as const,
  }));
  return [...own, ...found.filter(({ path }) => !own.some((each) => each.path === path))];
}

/**
 * A file that somebody names by its path: the user's own where it is at one of the places of {@link mcpConfigFiles}, and
 * else a project's, wherever it is, as nobody has said that it may run anything.
 */
export function configFileAt(path: string, places: ConfigPlaces): McpConfigFile {
  const { platform } = places;
  const whole = inRealFolder(pathsOf(platform).resolve(places.cwd, path), platform);
  const known = mcpConfigFiles(places).find((file) => inRealFolder(file.path, platform) === whole);
  if (known?.scope === 'user') return known;
  return { client: known?.client ?? clientOf(whole, platform), path: whole, scope: 'project' };
}

/**
 * A path that does not lead through symbolic links: two paths to one project are one, such as `/tmp` and `/private/tmp` on
 * macOS. The file itself may be a link. Of another kind of platform nothing is looked at.
 */
function inRealFolder(path: string, platform: NodeJS.Platform): string {
  if ((platform === 'win32') !== (process.platform === 'win32')) return path;
  return join(realPath(dirname(path)), basename(path));
}

/** The folder that a project's file is about: its own, or the one above `.vscode` and the like. */
export function workspaceOf(path: string, platform: NodeJS.Platform): string {
  const { basename, dirname } = pathsOf(platform);
  const folder = dirname(path);
  return SETTINGS_FOLDERS.includes(basename(folder)) ? dirname(folder) : folder;
}

/** How a platform writes paths. */
export function pathsOf(platform: NodeJS.Platform): typeof posix {
  return platform === 'win32' ? win32 : posix;
}

function userFiles({ platform, env, home }: ConfigPlaces): McpConfigFile[] {
  const { isAbsolute, join } = pathsOf(platform);
  /** A relative one would lead into the project. */
  const folder = (variable: string, fallback: string): string => {
    const given = env[variable] ?? '';
    return isAbsolute(given) ? given : fallback;
  };
  const config = folder('XDG_CONFIG_HOME', join(home, '.config'));
  const roaming = folder('APPDATA', join(home, 'AppData', 'Roaming'));
  const support = join(home, 'Library', 'Application Support');
  const data = platform === 'win32' ? roaming : platform === 'darwin' ? support : config;
  const zed =
    platform === 'win32' ? join(roaming, 'Zed') : join(platform === 'darwin' ? join(home, '.config') : config, 'zed');
  const files: readonly [ClientName, string][] = [
    ['claude-desktop', join(data, 'Claude', 'claude_desktop_config.json')],
    ['claude-code', join(folder('CLAUDE_CONFIG_DIR', home), '.claude.json')],
    ['cursor', join(home, '.cursor', 'mcp.json')],
    ['vscode', join(data, 'Code', 'User', 'mcp.json')],
    ['vscode', join(data, 'Code', 'User', 'settings.json')],
    ['windsurf', join(home, '.codeium', 'windsurf', 'mcp_config.json')],
    ['zed', join(zed, 'settings.json')],
    ['copilot', join(folder('COPILOT_HOME', join(home, '.copilot')), 'mcp-config.json')],
  ];
  return files.map(([client, path]) => ({ client, path, scope: 'user' }));
}

function clientOf(path: string, platform: NodeJS.Platform): ClientName {
  const { basename, dirname } = pathsOf(platform);
  const [name, folder] = [basename(path), basename(dirname(path))];
  if (folder === '.cursor') return 'cursor';
  if (folder === '.vscode') return 'vscode';
  if (folder === '.zed') return 'zed';
  switch (name) {
    case '.claude.json':
    case '.mcp.json':
      return 'claude-code';
    case 'claude_desktop_config.json':
      return 'claude-desktop';
    case 'mcp_config.json':
      return 'windsurf';
    case 'mcp-config.json':
      return 'copilot';
    default:
      return 'unknown';
  }
}
