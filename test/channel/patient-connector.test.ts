import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'undici';
import { expect, it } from 'vitest';
import { patientConnector } from '../../src/channel/patient-connector.ts';

const SHY_SERVER = fileURLToPath(new URL('../fixtures/processes/shy-server.py', import.meta.url));

/** The code of the error, or "connected". */
const tried = (path: string) =>
  new Promise<unknown>((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve('connected'));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });

it.runIf(process.platform === 'linux')('a connection that cannot be had now is tried again until it can', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gr-'));
  const path = join(folder, 's');
  const server = spawn('python3', [SHY_SERVER, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const client = new Client('http://localhost', { connect: patientConnector(path) });
  try {
    await once(server.stdout, 'data');
    while ((await tried(path)) === 'connected');
    const answer = client.request({ path: '/', method: 'GET' });
    // The client has tried before this did, and both in vain.
    expect(await tried(path)).toBe('EAGAIN');
    server.stdin.write('accept\n');
    expect((await answer).statusCode).toBe(204);
  } finally {
    await client.destroy();
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
});
