import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { configFileAt, mcpConfigFiles, workspaceOf } from '../../src/mcp-config/config-files.ts';
import { configFolder } from './config-folder.ts';

const LINUX = { platform: 'linux', env: {}, home: '/home/ada', cwd: '/srv/shop' } as const;

const shown = (files: ReturnType<typeof mcpConfigFiles>): string[] =>
  files.map(({ client, path, scope }) => `${scope} ${client} ${path}`);

describe('the places of configuration files', () => {
  test('on Linux', () => {
    expect(shown(mcpConfigFiles(LINUX))).toEqual([
      'user claude-desktop /home/ada/.config/Claude/claude_desktop_config.json',
      'user claude-code /home/ada/.claude.json',
      'user cursor /home/ada/.cursor/mcp.json',
      'user vscode /home/ada/.config/Code/User/mcp.json',
      'user vscode /home/ada/.config/Code/User/settings.json',
      'user windsurf /home/ada/.codeium/windsurf/mcp_config.json',
      'user zed /home/ada/.config/zed/settings.json',
      'user copilot /home/ada/.copilot/mcp-config.json',
      'project claude-code /srv/shop/.mcp.json',
      'project cursor /srv/shop/.cursor/mcp.json',
      'project vscode /srv/shop/.vscode/mcp.json',
    ]);
  });

  test('on macOS', () => {
    expect(shown(mcpConfigFiles({ ...LINUX, platform: 'darwin', env: { XDG_CONFIG_HOME: '/x' } })).slice(0, 7)).toEqual(
      [
        'user claude-desktop /home/ada/Library/Application Support/Claude/claude_desktop_config.json',
        'user claude-code /home/ada/.claude.json',
        'user cursor /home/ada/.cursor/mcp.json',
        'user vscode /home/ada/Library/Application Support/Code/User/mcp.json',
        'user vscode /home/ada/Library/Application Support/Code/User/settings.json',
        'user windsurf /home/ada/.codeium/windsurf/mcp_config.json',
        'user zed /home/ada/.config/zed/settings.json',
      ],
    );
  });

  test('on Windows', () => {
    const places = {
      platform: 'win32',
      env: { APPDATA: 'D:\\Roaming' },
      home: 'C:\\Users\\ada',
      cwd: 'C:\\shop',
    } as const;
    expect(shown(mcpConfigFiles(places))).toEqual([
      'user claude-desktop D:\\Roaming\\Claude\\claude_desktop_config.json',
      'user claude-code C:\\Users\\ada\\.claude.json',
      'user cursor C:\\Users\\ada\\.cursor\\mcp.json',
      'user vscode D:\\Roaming\\Code\\User\\mcp.json',
      'user vscode D:\\Roaming\\Code\\User\\settings.json',
      'user windsurf C:\\Users\\ada\\.codeium\\windsurf\\mcp_config.json',
      'user zed D:\\Roaming\\Zed\\settings.json',
      'user copilot C:\\Users\\ada\\.copilot\\mcp-config.json',
      'project claude-code C:\\shop\\.mcp.json',
      'project cursor C:\\shop\\.cursor\\mcp.json',
      'project vscode C:\\shop\\.vscode\\mcp.json',
    ]);
    expect(mcpConfigFiles({ ...places, env: {} })[0]?.path).toMatch(/^C:\\Users\\ada\\AppData\\Roaming\\Claude\\/);
  });

  test('follow the variables by which clients are told of other places, unless these are relative', () => {
    const env = { XDG_CONFIG_HOME: '/x', CLAUDE_CONFIG_DIR: '/c', COPILOT_HOME: '/p' };
    const paths = (given: Readonly<Record<string, string>>): string[] =>
      mcpConfigFiles({ ...LINUX, env: given }).map(({ path }) => path);
    expect(paths(env).filter((path) => !path.startsWith('/home') && !path.startsWith('/srv'))).toEqual([
      '/x/Claude/claude_desktop_config.json',
      '/c/.claude.json',
      '/x/Code/User/mcp.json',
      '/x/Code/User/settings.json',
      '/x/zed/settings.json',
      '/p/mcp-config.json',
    ]);
    expect(paths({ XDG_CONFIG_HOME: '.', CLAUDE_CONFIG_DIR: '.claude', COPILOT_HOME: '' })).toEqual(paths({}));
  });

  test('in the home folder, a file that is the user’s own is not a project’s as well', () => {
    expect(shown(mcpConfigFiles({ ...LINUX, cwd: '/home/ada' })).slice(8)).toEqual([
      'project claude-code /home/ada/.mcp.json',
      'project vscode /home/ada/.vscode/mcp.json',
    ]);
  });
});

test.each([
  ['.mcp.json', 'project claude-code /srv/shop/.mcp.json'],
  ['/home/ada/.cursor/mcp.json', 'user cursor /home/ada/.cursor/mcp.json'],
  ['/elsewhere/.cursor/mcp.json', 'project cursor /elsewhere/.cursor/mcp.json'],
  ['/elsewhere/.vscode/settings.json', 'project vscode /elsewhere/.vscode/settings.json'],
  ['/elsewhere/.zed/settings.json', 'project zed /elsewhere/.zed/settings.json'],
  ['../.claude.json', 'project claude-code /srv/.claude.json'],
  ['a/../claude_desktop_config.json', 'project claude-desktop /srv/shop/claude_desktop_config.json'],
  ['mcp_config.json', 'project windsurf /srv/shop/mcp_config.json'],
  ['mcp-config.json', 'project copilot /srv/shop/mcp-config.json'],
  ['servers.json', 'project unknown /srv/shop/servers.json'],
])('a file that is named %s is %s', (path, expected) => {
  expect(shown([configFileAt(path, LINUX)])).toEqual([expected]);
});

test('a file is about its folder, or about the one above the folder of an editor’s settings', () => {
  const paths = [
    '/p/.mcp.json',
    '/p/.vscode/mcp.json',
    '/p/.cursor/mcp.json',
    '/p/.github/mcp.json',
    '/p/.zed/settings.json',
  ];
  expect(paths.map((path) => workspaceOf(path, 'linux'))).toEqual(['/p', '/p', '/p', '/p', '/p']);
  expect(workspaceOf('C:\\p\\.vscode\\mcp.json', 'win32')).toBe('C:\\p');
});

test('a project and a home are the same by a path that leads through a symbolic link', () => {
  const { folder, home, project, write } = configFolder();
  write('home/.cursor/mcp.json', '{}');
  write('shop/.mcp.json', '{}');
  const link = join(folder, 'link');
  symlinkSync(folder, link);
  const places = { platform: process.platform, env: {}, home: join(link, 'home'), cwd: project };
  const at = (path: string, more = {}): unknown => configFileAt(path, { ...places, ...more });
  expect(at(join(home, '.cursor/mcp.json'))).toMatchObject({ scope: 'user' });
  expect(at('.mcp.json', { cwd: join(link, 'shop') })).toEqual(at('.mcp.json'));
  expect(at(join(link, 'shop/.mcp.json'))).toEqual(at('.mcp.json'));
  expect(at('.mcp.json')).toMatchObject({ scope: 'project', path: join(project, '.mcp.json') });
});
