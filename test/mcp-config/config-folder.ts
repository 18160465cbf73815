import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { configFileAt } from '../../src/mcp-config/config-files.ts';
import { type McpConfigReading, readMcpConfig } from '../../src/mcp-config/read-config.ts';
import type { Surroundings } from '../../src/mcp-config/variables.ts';

/** A text of `test/fixtures/mcp-config`. */
export function fixture(name: string): string {
  return readFileSync(new URL(`../fixtures/mcp-config/${name}`, import.meta.url), 'utf8');
}

/** A folder with a home and a project in it, which is removed with the test. */
export function configFolder() {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-config-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [home, project] = [join(folder, 'home'), join(folder, 'shop')];
  const surroundings: Surroundings = { platform: 'linux', env: {}, home };
  const write = (path: string, text: string): string => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
    return join(folder, path);
  };
  return {
    folder,
    home,
    project,
    write,
    /** Reads a file by its path in the folder. */
    read(path: string, given: Partial<Surroundings> = {}): McpConfigReading {
      const all = { ...surroundings, ...given };
      const file = configFileAt(join(folder, path), { ...all, cwd: project });
      const reading = readMcpConfig(file, all);
      if (reading === null) throw new Error(`${path} is not there`);
      return reading;
    },
  };
}

/** What is wrong, in lines: without the paths of files. */
export function told({ problems }: McpConfigReading): string[] {
  return problems.map(({ severity, field = '', reason }) => `${severity} ${field}: ${reason}`);
}

/** Reads a text as the file of a project, `.mcp.json` where no other is named. */
export function readText(text: string | object, name = '.mcp.json', given: Partial<Surroundings> = {}) {
  const { write, read, ...places } = configFolder();
  const path = join('shop', name);
  write(path, typeof text === 'string' ? text : JSON.stringify(text));
  return { ...places, ...read(path, given) };
}
