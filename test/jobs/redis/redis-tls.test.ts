import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkFleet } from '../../../src/cli/doctor/fleet.ts';
import { RedisLink } from '../../../src/jobs/redis/redis-link.ts';
import { failure } from '../../runtime/greenroom.ts';
import { hasRedis, RedisServer } from '../redis-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'gr-tls-'));
const [certificate, key] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
let port = 0;
let server: RedisServer | undefined;

afterAll(async () => {
  await server?.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Why there is no Redis with TLS here, for those who read what was skipped; undefined: there is one. */
const missing = ((): string | undefined => {
  if (!hasRedis) return 'redis-server is not installed';
  if (spawnSync('openssl', ['version']).status !== 0) return 'openssl is not installed';
  // Without TLS its options are unknown, and it ends.
  const tried = spawnSync(
    'redis-server',
    ['--port', '0', '--tls-port', '0', '--tls-auth-clients', 'no', '--loadmodule', '/'],
    { encoding: 'utf8' },
  );
  return /tls-/.test(tried.stdout + tried.stderr) ? 'this redis-server was built without TLS' : undefined;
})();

/** The certificate is for this name and this address. */
function makeCertificate(): void {
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-keyout', key, '-out', certificate, '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ],
    { stdio: 'ignore' },
  );
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address() as { port: number };
      probe.close(() => resolve(free));
    });
  });
}

/** Node reads the certificates that it is to trust when it starts, so that this is a program of its own. Resolves to what it prints. */
function inTrustingProgram(url: string): string {
  const link = fileURLToPath(new URL('../../../dist/jobs/redis/redis-link.js', import.meta.url));
  const script = `
    const { RedisLink } = await import(process.argv[1]);
    try {
      const link = await RedisLink.open({ url: process.argv[2] });
      await link.send(['SET', 'greenroom:a', 'b']);
      console.log(await link.send(['GET', 'greenroom:a']));
      await link.close();
    } catch (error) {
      console.log(error.code, error.message);
    }
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, link, url], {
    encoding: 'utf8',
    env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate },
  });
  return stdout + stderr;
}

describe.skipIf(missing !== undefined)(
  `with a redis-server that has TLS${missing === undefined ? '' : `: ${missing}`}`,
  () => {
    beforeAll(async () => {
      makeCertificate();
      port = await freePort();
      server = await RedisServer.start({
        args: [
          ...['--tls-port', String(port), '--tls-cert-file', certificate, '--tls-key-file', key],
          ...['--tls-ca-cert-file', certificate, '--tls-auth-clients', 'no', '--requirepass', 'right'],
          ...[
            '--user',
            ...'node on >pw:/@ ~greenroom:* ~bull:* &greenroom:* +@all -@admin -@dangerous +info'.split(' '),
          ],
        ],
      });
    });

    test('a certificate that is trusted connects by name and by address, with a password and as a user', () => {
      for (const login of ['default:right', 'node:pw%3A%2F%40'])
        for (const host of ['localhost', '127.0.0.1'])
          expect(inTrustingProgram(`rediss://${login}@${host}:${port}`)).toBe('b\n');
    });

    test('a wrong password is said over TLS too', () => {
      expect(inTrustingProgram(`rediss://node:wrong@localhost:${port}`)).toContain('refuses the name or password');
    });

    test('a certificate for another name is said to be one', () => {
      const said = inTrustingProgram(`rediss://default:right@127.0.0.2:${port}`);
      expect(said).toContain('has a certificate for another name');
    });

    test('a certificate that is not trusted is named, with what to do, also by the doctor', async () => {
      const url = `rediss://default:right@localhost:${port}`;
      const error = await failure(RedisLink.open({ url }));
      expect(error).toMatchObject({ code: 'E_JOB_STORE' });
      expect(error.message).toContain(
        `The Redis at localhost:${port} has a certificate that this program does not trust`,
      );
      expect(error.message).toContain('NODE_EXTRA_CA_CERTS');
      expect(await checkFleet(url, undefined)).toEqual([
        { check: 'fleet', level: 'fail', found: error.message, next: expect.stringContaining('refuses jobs') },
      ]);
    });

    test('connections that are refused, and ended in the middle of it, do not end the program', async () => {
      const refused = Array.from({ length: 20 }, () => RedisLink.open({ url: `rediss://localhost:${port}` }));
      for (const { status } of await Promise.allSettled(refused)) expect(status).toBe('rejected');
    });

    test('TLS that only one of both speaks is what is pointed at', async () => {
      expect((await failure(RedisLink.open({ url: `redis://127.0.0.1:${port}` }))).message).toContain(
        'begins with rediss://',
      );
      const plainPort = await freePort();
      const plain = await RedisServer.start({ args: ['--port', String(plainPort)] });
      try {
        const { message } = await failure(RedisLink.open({ url: `rediss://127.0.0.1:${plainPort}` }));
        expect(message).toContain('begins with redis://');
      } finally {
        await plain.remove();
      }
    });

    test('a password that is changed while a program runs is named by what it asks next', async () => {
      const plain = await RedisServer.start({ args: ['--requirepass', 'right'] });
      const link = await RedisLink.open({ url: plain.url.replace('unix://', 'unix://default:right@') });
      try {
        await link.send(['CONFIG', 'SET', 'requirepass', 'other']);
        const other = await RedisLink.open({ url: plain.url.replace('unix://', 'unix://default:other@') });
        await other.send(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
        await other.close();
        const refused = async (): Promise<string> => (await failure(link.send(['GET', 'greenroom:a']))).message;
        // The first may be told that its connection was lost.
        expect(`${await refused()} ${await refused()}`).toContain('refuses the name or password');
      } finally {
        await link.close();
        await plain.remove();
      }
    });
  },
);
