import { expect, test } from 'vitest';
import { start, usePlugin, write } from './command-line.ts';

/** Ends a command's reader before it has printed anything; its exit status is told on standard error. */
const UNREAD = '{ sleep 0.3; "$@"; echo "status $?" >&2; } | true';

test.each([
  [['--help'], 0],
  [['list'], 0],
  [['validate', '--json'], 0],
  [['logs', 'workbench', '-f'], 0],
  [['run', 'workbench', '--stream'], 0],
  [['run', 'workbench', '{"do":"fail"}', '--json'], 1],
  [['dev', '--load'], 0],
  [['dev', '--load', '--json'], 0],
  [['demo', '--json'], 0],
  [['list', '--categry'], 2],
])('%j ends quietly when nobody reads what it prints', async (args, status) => {
  usePlugin('workbench');
  write('home/logs/workbench.log', '{"time":"2026-01-01T00:00:00.000Z","msg":"hello"}\n');
  const { stderr } = await start(args, { shell: UNREAD }).ended;
  expect(stderr).toMatch(new RegExp(`^status ${status}$`, 'm'));
  expect(stderr).not.toMatch(/EPIPE|uncaught|^\s+at .*dist\/cli/im);
});

test.each([[['list']], [['run', 'workbench', '--stream', '--json']], [['dev', '--load', '--json']], [['demo']]])(
  '%j says that its output cannot be written, as on a full disk',
  async (args) => {
    usePlugin('workbench');
    const { status, stderr } = await start(args, { shell: 'exec "$@" >/dev/full' }).ended;
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: Standard output cannot be written: ENOSPC.*\.$/m);
    expect(stderr).not.toMatch(/^\s+at /m);
  },
);

test.each(['>&-', '2>&-', '>&- 2>&-', '2>/dev/full'])(
  'a command with %s does its work all the same',
  async (closed) => {
    const { status } = await start(['init', 'one'], { shell: `exec "$@" ${closed}` }).ended;
    expect(status).toBe(0);
    expect((await start(['validate'], {}).ended).stderr).toContain('1 manifest, all valid');
  },
);

/** A reader that takes one byte of more than a pipe holds, has the command ended, and reads no further. */
const STUCK = `mkfifo over
{ sh -c 'echo $$ >pid; exec "$@"' sh "$@"; echo "status $?" >&2; echo >over; } |
{ head -c 1 >head; kill -TERM "$(cat pid)"; read -r _ <over; }`;

test('a signal ends a stream, and its worker, whose reader has stopped reading', async () => {
  usePlugin('workbench');
  const args = ['run', 'workbench', '{"size":1000000}', '--stream', '--json'];
  const { stderr } = await start(args, { shell: STUCK }).ended;
  expect(stderr).toBe('status 143\n');
});

const OWN_COLOURS = ['1', '2', '22', '31', '32', '33', '36', '39'].map((code) => `\u001b[${code}m`);

test('what names and paths of manifests hold is shown on a terminal, and not obeyed', async () => {
  write('.greenroom/plugins/a\u001b[31m\nb\u009b2J.json', '{');
  write('.greenroom/plugins/c.json', {
    name: 'c',
    module: './\u001b[8m\nx\u009b2J\u202e.mjs',
    category: 'red\u001b[31m',
    'field\u001b[2J\n': 1,
  });
  for (const args of [
    ['list'],
    ['validate'],
    ['list', '--category', 'none'],
    ['run', 'c'],
    ['run', 'a\u009b'],
    ['doctor'],
  ]) {
    const { child, ended } = start(args, { terminal: true });
    child.stdin?.end();
    const { stdout } = await ended;
    // Ends of lines, colours of our own, and nothing else that steers.
    const rest = OWN_COLOURS.reduce((text, own) => text.replaceAll(own, ''), stdout.replaceAll('\r\n', ''));
    expect(rest).not.toMatch(/[^\P{Cc}\t]|[\u2028-\u202e]/u);
    expect(stdout).not.toMatch(/^b/m);
  }
});
