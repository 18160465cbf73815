import { chmodSync } from 'node:fs';
import { expect, test } from 'vitest';
import { eventually } from '../../eventually.ts';
import { hasRedis, RedisServer } from '../../jobs/redis-server.ts';
import { greenroom, start, usePlugin, write } from '../command-line.ts';
import { serve } from '../served-daemon.ts';

/** Starts a Redis for the test, and ends it. */
async function withRedis(act: (redis: RedisServer) => Promise<void>): Promise<void> {
  const redis = await RedisServer.start();
  try {
    await act(redis);
  } finally {
    await redis.remove();
  }
}

test.skipIf(!hasRedis)('a daemon joins a fleet by a file, shows it, and takes its own jobs there', () =>
  withRedis(async (redis) => {
    // A job from before, of a plugin that does not run yet.
    const alone = await serve();
    await greenroom('jobs', 'add', 'late', '{"value":1}');
    alone.child.kill('SIGTERM');
    await alone.ended;

    usePlugin('workbench');
    const file = write('redis-address', `${redis.url}\n`);
    chmodSync(file, 0o600);
    const daemon = await serve(['--fleet-file', file, '--fleet-name', 'here'], {
      GREENROOM_FLEET: 'redis://nowhere',
    });
    const added = await greenroom('jobs', 'add', '--wait', 'workbench', '{"value":"in the fleet"}');
    expect(added).toMatchObject({ status: 0 });
    expect(added.stdout).toContain('in the fleet');

    const moved = await greenroom('jobs', 'move');
    expect([moved.status, moved.stderr]).toEqual([0, 'Moved 1 job into the fleet.\n']);

    await eventually(async () => {
      const { status, stdout } = await greenroom('fleet', '--json');
      expect(status).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({
        redis: redis.socket,
        health: { state: 'connected' },
        nodes: [{ name: 'here', plugins: ['workbench'], residents: [{ plugin: 'workbench' }] }],
        queues: [
          { plugin: 'late', waiting: 1, waitsFor: expect.stringContaining('No node of the fleet has a plugin') },
        ],
      });
    });
    const shown = await greenroom('fleet');
    expect(shown.stdout).toMatch(/^here \(this one\).* workbench$/m);

    // What the plugins are told of the environment has no password in it.
    const world = await greenroom('run', 'workbench', '{"do":"world"}');
    expect(world.stdout).not.toContain('GREENROOM_FLEET');
    daemon.child.kill('SIGTERM');
    expect(await daemon.ended).toMatchObject({ status: 0 });
  }),
);

test('an address with a password is not taken where everybody can read it', async () => {
  const { status, stderr } = await start(['serve', '--fleet', 'redis://greenroom:secret@127.0.0.1:1']).ended;
  expect(status).toBe(2);
  expect(stderr).toContain('--fleet-file PATH');
  expect(stderr).not.toContain('secret');
});

test('neither is one of a socket', async () => {
  const { status, stderr } = await start(['serve', '--fleet', 'unix://:secret@/run/redis.sock']).ended;
  expect(status).toBe(2);
  expect(stderr).toContain('--fleet-file PATH');
  expect(stderr).not.toContain('secret');
});

test.each([
  [['--fleet', 'foo'], '--fleet is not the address of a Redis, got "foo"; give redis://HOST:PORT'],
  [['--fleet', ''], '--fleet is empty; give redis://HOST:PORT'],
  [['--fleet', 'unix://redis.sock'], '--fleet is not the address of a Redis, got "unix://redis.sock"'],
  [['--fleet', 'redis://h', '--fleet-name', ''], '--fleet-name must be 1 to 64 characters'],
  [['--fleet', 'redis://h', '--fleet-prefix', 'a b'], '--fleet-prefix must be 1 to 64 letters'],
])('a daemon does not start with a fleet that it could never join: %j', async (options, message) => {
  const { status, stderr } = await greenroom('serve', ...options);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
});

test('an address in the environment that is none is refused without it', async () => {
  const { status, stderr } = await start(['serve'], { env: { GREENROOM_FLEET: 'http://x:secret@h' } }).ended;
  expect(status).toBe(2);
  expect(stderr).toContain('GREENROOM_FLEET is not the address of a Redis; give redis://HOST:PORT');
  expect(stderr).not.toContain('secret');
});

test('a daemon whose fleet does not answer serves everything but jobs', async () => {
  usePlugin('workbench');
  const daemon = await serve([], { GREENROOM_FLEET: 'redis://greenroom:secret@127.0.0.1:1' });
  expect((await greenroom('run', 'workbench', '{"value":1}')).status).toBe(0);
  const refused = await greenroom('jobs', 'add', 'workbench', '{}');
  expect(refused.status).not.toBe(0);
  expect(refused.stderr).toContain('127.0.0.1:1');
  daemon.child.kill('SIGTERM');
  const { status, stderr } = await daemon.ended;
  expect(status).toBe(0);
  expect(stderr + refused.stderr).not.toContain('secret');
});

test.skipIf(!hasRedis)('doctor says whether the daemon can use the Redis of its fleet', () =>
  withRedis(async (redis) => {
    usePlugin('workbench');
    const ofFleet = async () => {
      const { stdout } = await greenroom('doctor', '--json');
      const { findings } = JSON.parse(stdout) as { findings: { check: string; level: string; found: string }[] };
      return findings.filter(({ check }) => check === 'fleet');
    };
    expect(await ofFleet()).toEqual([]);
    const daemon = await serve(['--fleet', redis.url]);
    const answers = `the daemon is a node of 1, by the Redis at ${redis.socket}`;
    await eventually(async () => expect(await ofFleet()).toEqual([{ check: 'fleet', level: 'ok', found: answers }]));
    await redis.kill();
    const [away] = await ofFleet();
    expect(away).toMatchObject({ level: 'fail', found: expect.stringContaining(redis.socket) });
    daemon.child.kill('SIGTERM');
    await daemon.ended;
  }),
);
