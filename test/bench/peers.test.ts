import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../../bench/peers/run.mjs', import.meta.url));

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'greenroom-peers-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the comparison as a user does; no test measures anything. */
function peers(...args: string[]): Promise<{ status: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...args], { cwd: ROOT }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : error.code, stdout, stderr });
    });
  });
}

describe('npm run bench:peers', () => {
  test('prints its options and peers, and the documentation has every peer', async () => {
    const { status, stdout, stderr } = await peers('--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const option of ['--only NAME', '--quick', '--json FILE']) expect(stdout).toContain(option);
    const [, list = ''] = /\nPeers:\n([^]*?)\n\n/.exec(stdout) ?? [];
    const names = [...list.matchAll(/^ {2}(\S+)/gm)].map(([, name]) => name);
    expect(names).toEqual(expect.arrayContaining(['greenroom-node', 'fork-json', 'grpc', 'bullmq']));
    const page = readFileSync(join(ROOT, 'docs/benchmarks.md'), 'utf8');
    for (const name of names) expect(page).toContain(`\n| ${name} `);
  });

  test('refuses what it does not know, with the nearest name, before anything is installed or measured', async () => {
    const ask = async (...args: string[]) => {
      const { status, stderr } = await peers(...args);
      return `${String(status)} ${stderr}`;
    };
    const answers = await Promise.all([
      ask('--only', 'pisina'),
      ask('--qick'),
      ask('fork-json'),
      ask('--json', join(folder, 'missing', 'file.json')),
    ]);
    expect(answers).toEqual([
      expect.stringMatching(/^2 error: --only: unknown peer "pisina"; expected one of [^]*Did you mean "piscina"\?\n$/),
      expect.stringMatching(/^2 error: .*--qick[^]*Did you mean "--quick"\?\n$/),
      expect.stringMatching(/^2 error: .*fork-json[^]*--help lists the options/),
      expect.stringMatching(/^2 error: --json: .*file\.json cannot be written: .*ENOENT/),
    ]);
  });
});
