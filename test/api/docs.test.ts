import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, test } from 'vitest';
import { REMOTE_STATUSES, STATUSES } from '../../src/api/problem.ts';
import { BIN, folder, greenroom, start } from '../cli/command-line.ts';
import { type Loose, openApi } from './opened.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGE = readFileSync(join(ROOT, 'docs/http-api.md'), 'utf8');

/** The cells of the first table below a heading, without its head. */
function tableUnder(heading: string): string[][] {
  const [, below = ''] = PAGE.split(`\n${heading}\n`);
  const [table = ''] = /(?:^\|.*\n)+/m.exec(below) ?? [];
  return table
    .trim()
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

it('tells every endpoint with its query, and every status', async () => {
  const api = await openApi({});
  const { paths } = (await api.ask('GET', '/api/openapi.json')).value;
  const rows = Object.entries(paths as Record<string, Record<string, Loose>>).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { summary, parameters }]) => {
      const names = parameters.flatMap((each: Loose) => (each.in === 'query' ? [`\`${each.name}\``] : []));
      return [`\`${method.toUpperCase()} ${path}\``, summary, names.join(', ')];
    }),
  );
  expect(tableUnder('## Endpoints')).toEqual(rows);
  const code = ([name, status]: [string, number]): string[] => [`\`${name}\``, String(status)];
  expect(tableUnder('## Errors')).toEqual(
    Object.entries(STATUSES)
      .filter(([name]) => name !== 'E_REMOTE')
      .map(code),
  );
  expect(tableUnder('### Categories')).toEqual(Object.entries(REMOTE_STATUSES).map(code));
});

test('its client in Python and its curl lines work on the socket and on TCP', async () => {
  const { child, ended } = start([
    'serve',
    '--json',
    '--listen',
    '127.0.0.1:0',
    '--search-path',
    join(ROOT, 'examples/plugins'),
  ]);
  const line = await new Promise<string>((resolve) =>
    child.stdout?.once('data', (data: Buffer) => resolve(data.toString())),
  );
  const { socket, url } = JSON.parse(line) as { socket: string; url: string };
  const token = (await greenroom('token')).stdout.trim();
  const [, python = ''] = /^```python file=\S+\n(.*?)^```$/ms.exec(PAGE) ?? [];
  const file = join(folder, 'greenroom_client.py');
  writeFileSync(file, python);
  for (const env of [{ GREENROOM: socket }, { GREENROOM: url, GREENROOM_TOKEN: token }]) {
    const { stdout } = await run('python3', [file], { env: { PATH: process.env['PATH'], ...env } });
    expect(stdout).toContain('Ada');
  }
  const unknown = run('python3', ['-c', 'import greenroom_client as g; g.Greenroom().call("nobody")'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], GREENROOM: socket },
  });
  await expect(unknown).rejects.toThrow('There is no plugin');
  writeFileSync(join(folder, 'greenroom'), `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`, { mode: 0o755 });
  const blocks = [...PAGE.matchAll(/^```sh curl\n(.*?)^```$/gms)].map(([, code = '']) => code);
  expect(blocks).toHaveLength(4);
  for (const block of blocks) {
    const code = block.replaceAll('http://127.0.0.1:8484', url).replaceAll('curl ', 'curl -fsS ');
    const env = {
      PATH: `${folder}:${dirname(process.execPath)}:${process.env['PATH']}`,
      GREENROOM_HOME: join(folder, 'home'),
      SOCKET: socket,
    };
    expect((await run('sh', ['-ec', code], { env, cwd: folder })).stdout).toMatch(/Ada|"plugins"|"jobs"/);
  }
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ status: 0 });
});
