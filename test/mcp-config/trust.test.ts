import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { McpConfigContent } from '../../src/mcp-config/read-config.ts';
import { trustFile, trustStore } from '../../src/mcp-config/trust.ts';
import { configFolder } from './config-folder.ts';

const DATE = Date.UTC(2026, 10, 30, 12);
const SERVERS = '{ "mcpServers": { "a": { "command": "./run", "envFile": ".env" } } }';

/** A project whose file names an environment file, and a store. */
function project() {
  const places = configFolder();
  const dataDir = join(places.folder, 'data');
  const file = places.write('shop/.mcp.json', SERVERS);
  const envFile = places.write('shop/.env', 'A=1');
  const content = (path = 'shop/.mcp.json', given = {}): McpConfigContent => {
    const { content: found } = places.read(path, given);
    if (found === undefined) throw new Error('unreadable');
    return found;
  };
  return { ...places, dataDir, file, envFile, content, store: trustStore(dataDir, () => DATE) };
}

const next = (file: string): string => `Look at it, then run: greenroom mcp trust "${file}"`;

describe('a file of a project', () => {
  test('is not trusted until it is, and then is in another process as well', () => {
    const { store, content, file, dataDir } = project();
    expect(store.isTrusted(content())).toEqual({
      trusted: false,
      reason: `is not trusted: it came with a project, and would run programs. ${next(file)}`,
    });
    expect(store.trust(content())).toMatchObject({ file, trusted_at: '2026-11-30T12:00:00.000Z' });
    expect(trustStore(dataDir).isTrusted(content())).toEqual({ trusted: true });
    expect(trustStore(dataDir).list()).toMatchObject([{ file, workspace: dirname(file) }]);
  });

  test('is not trusted any more once it has changed, and is again with its former content', () => {
    const { store, content, file, write } = project();
    store.trust(content());
    write('shop/.mcp.json', `${SERVERS}\n`);
    const reason = `has changed since it was trusted on 2026-11-30. ${next(file)}`;
    expect(store.isTrusted(content())).toEqual({ trusted: false, reason });
    write('shop/.mcp.json', SERVERS);
    expect(store.isTrusted(content())).toEqual({ trusted: true });
    write('shop/.mcp.json', `${SERVERS}\n`);
    store.trust(content());
    expect(store.isTrusted(content())).toEqual({ trusted: true });
    expect(store.list()).toHaveLength(1);
  });

  test.each<[string, (path: string) => void]>([
    ['changed', (path) => writeFileSync(path, 'NODE_OPTIONS=--require ./evil.js')],
    ['been removed', (path) => unlinkSync(path)],
  ])('is not trusted any more once its environment file has %s', (_, change) => {
    const { store, content, file, envFile } = project();
    store.trust(content());
    change(envFile);
    const reason = `uses ${envFile}, which has changed since it was trusted on 2026-11-30. ${next(file)}`;
    expect(store.isTrusted(content())).toEqual({ trusted: false, reason });
  });

  test('is not trusted with an environment file that was not there when it was trusted', () => {
    const { store, content, envFile, write } = project();
    unlinkSync(envFile);
    store.trust(content());
    expect(store.isTrusted(content())).toEqual({ trusted: true });
    write('shop/.env', 'A=1');
    expect(store.isTrusted(content())).toMatchObject({ trusted: false });
  });

  test('is not trusted with another environment file that a variable leads to', () => {
    const { store, content, write } = project();
    write('shop/.mcp.json', SERVERS.replace('.env', '${env:STAGE}.env'));
    write('shop/a.env', '');
    write('shop/b.env', '');
    store.trust(content('shop/.mcp.json', { env: { STAGE: 'a' } }));
    expect(store.isTrusted(content('shop/.mcp.json', { env: { STAGE: 'a' } }))).toEqual({ trusted: true });
    expect(store.isTrusted(content('shop/.mcp.json', { env: { STAGE: 'b' } }))).toMatchObject({ trusted: false });
  });

  test('is trusted by its real path', () => {
    const { store, content, folder, project: shop } = project();
    symlinkSync(shop, join(folder, 'link'));
    store.trust(content('link/.mcp.json'));
    expect(store.isTrusted(content())).toEqual({ trusted: true });
  });

  test('that is a link to a trusted file is not trusted to run the programs of its own folder', () => {
    const { store, content, folder, file, write } = project();
    write('shop/.mcp.json', '{ "mcpServers": { "a": { "command": "./run" } } }');
    store.trust(content());
    mkdirSync(join(folder, 'evil'));
    symlinkSync(file, join(folder, 'evil', '.mcp.json'));
    expect(store.isTrusted(content('evil/.mcp.json'))).toMatchObject({ trusted: false });
  });

  test('that was moved is another file', () => {
    const { store, content, folder, project: shop } = project();
    store.trust(content());
    renameSync(shop, join(folder, 'moved'));
    expect(store.isTrusted(content('moved/.mcp.json'))).toMatchObject({ trusted: false });
  });

  test('can be distrusted, also once it is gone', () => {
    const { store, content, file } = project();
    expect(store.distrust(file)).toBe(false);
    store.trust(content());
    expect(store.distrust(file)).toBe(true);
    expect(store.isTrusted(content())).toMatchObject({ trusted: false });
    store.trust(content());
    unlinkSync(file);
    expect(store.distrust(file)).toBe(true);
    expect(store.list()).toEqual([]);
  });
});

test('the user’s own file need not be trusted', () => {
  const { store, content, write } = project();
  write('home/.cursor/mcp.json', SERVERS);
  expect(store.isTrusted(content('home/.cursor/mcp.json'))).toEqual({ trusted: true });
});

describe('the store', () => {
  test('can be read by its owner alone, and holds no content', () => {
    const { store, content, dataDir, write } = project();
    write('shop/.env', 'TOKEN=secret');
    store.trust(content());
    expect(statSync(trustFile(dataDir)).mode & 0o777).toBe(0o600);
    expect(readFileSync(trustFile(dataDir), 'utf8')).not.toContain('secret');
  });

  test.each<[string, (path: string) => void, string]>([
    ['is broken', (path) => writeFileSync(path, '{'), 'does not say which files are trusted. Remove it'],
    ['is of another form', (path) => writeFileSync(path, '{ "files": [1] }'), 'does not say which files are trusted.'],
    ['can be written by others', (path) => chmodSync(path, 0o620), 'has mode 0620, so that others may write it.'],
    [
      'is a link',
      (path) => {
        renameSync(path, `${path}.target`);
        symlinkSync(`${path}.target`, path);
      },
      'is a symbolic link. Remove it',
    ],
    [
      'is a folder',
      (path) => {
        unlinkSync(path);
        mkdirSync(path);
      },
      'is a folder, not a file.',
    ],
  ])('that %s trusts nothing, and says so', (_, spoil, reason) => {
    const { store, content, dataDir } = project();
    store.trust(content());
    spoil(trustFile(dataDir));
    const verdict = store.isTrusted(content());
    expect(verdict).toMatchObject({ trusted: false });
    expect('reason' in verdict && verdict.reason).toContain('is not trusted, as nothing is: The file of trusted');
    expect('reason' in verdict && verdict.reason).toContain(reason);
    expect(() => store.list()).toThrow(expect.objectContaining({ code: 'E_DATA_DIR' }));
    expect(() => store.trust(content())).toThrow(reason);
  });

  test('that cannot be written says so', () => {
    const { store, content, dataDir } = project();
    writeFileSync(dataDir, '');
    expect(() => store.trust(content())).toThrow(
      expect.objectContaining({
        code: 'E_DATA_DIR',
        message: expect.stringContaining('Make the data directory writable.'),
      }),
    );
  });
});
