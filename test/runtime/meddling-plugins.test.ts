import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { all, failure, type OpenedSupervisor, openSupervisor } from './greenroom.ts';

// Plugins that change the process they run in: by a library of theirs (a logger, an MCP server, fake timers), or by hand.

/** Writes a Node plugin that first runs `code`; it gives back its input, and streams 0, 1 and 2. */
function write(opened: OpenedSupervisor, name: string, code: string, manifest: Record<string, unknown> = {}): void {
  const module = join(opened.scratch, `${name}.mjs`);
  writeFileSync(
    module,
    `${code}
export default {
  execute: (input) => ({ input }),
  async *stream() {
    for (let index = 0; index < 3; index += 1) yield index;
  },
};
`,
  );
  opened.write(name, { worker: 'node', module, ...manifest });
}

async function serves(opened: OpenedSupervisor, name: string): Promise<void> {
  expect(await opened.supervisor.execute(name, { n: 1 })).toEqual({ input: { n: 1 } });
  expect(await all(opened.supervisor.stream(name, {}))).toEqual([0, 1, 2]);
}

test.each([
  ['sends its standard output to standard error', `process.stdout.write = process.stderr.write.bind(process.stderr);`],
  ['swallows what is written', `process.stdout.write = process.stderr.write = () => true;`],
  [
    'puts a prefix before what is written',
    `const write = process.stdout.write.bind(process.stdout);
     process.stdout.write = (text, ...rest) => write('[plugin] ' + text, ...rest);`,
  ],
  ['has ended its streams', `process.stdout.end(); process.stderr.end();`],
  ['has destroyed its standard input', `import fs from 'node:fs'; process.stdin.destroy(); fs.closeSync(0);`],
  ['has printed a part of a line', `import fs from 'node:fs'; fs.writeSync(1, 'loading ...');`],
  [
    'has replaced console',
    `for (const name of Object.keys(console)) console[name] = () => { throw new Error('off'); };`,
  ],
  ['has replaced JSON', `JSON.stringify = JSON.parse = () => { throw new Error('off'); };`],
  [
    'has replaced timers and clocks',
    `globalThis.setTimeout = globalThis.setImmediate = globalThis.queueMicrotask = () => {};
     performance.now = Date.now = () => { throw new Error('off'); };`,
  ],
  ['has replaced Promise', `globalThis.Promise = class { constructor() { throw new Error('off'); } };`],
  [
    'has replaced functions of built-in modules',
    `import fs from 'node:fs';
     import http from 'node:http';
     import { syncBuiltinESMExports } from 'node:module';
     const off = () => { throw new Error('off'); };
     fs.readSync = fs.writeSync = http.createServer = http.request = process.kill = process.exit = off;
     syncBuiltinESMExports();`,
  ],
  [
    'has added to the prototypes of objects and arrays',
    `Object.prototype.origin = 'http://nowhere'; Array.prototype.last = Object.prototype.last = 1;`,
  ],
  ['lets no file that it makes be written', `process.umask(0o777);`],
  ['goes to another folder under another name', `process.chdir('/'); process.title = 'other';`],
  ['has emptied its environment', `for (const name of Object.keys(process.env)) delete process.env[name];`],
  [
    'catches every error, and makes some',
    `process.on('uncaughtException', () => {}).on('unhandledRejection', () => {});
     setImmediate(() => { throw new Error('late'); });
     Promise.reject(new Error('later'));`,
  ],
  [
    'runs threads and a server of its own',
    `import { createServer } from 'node:http';
     import { Worker } from 'node:worker_threads';
     new Worker('setInterval(() => {}, 1000)', { eval: true });
     await new Promise((resolve) => createServer().listen(0, '127.0.0.1', resolve));`,
  ],
])('a Node plugin that %s is served as any other', async (_what, code) => {
  const opened = await openSupervisor({}, { transport: 'tcp' });
  write(opened, 'over-tcp', code, { start_timeout_ms: 10_000 });
  await opened.supervisor.discover();
  await serves(opened, 'over-tcp');
  await opened.supervisor.stop();

  const other = await openSupervisor({});
  write(other, 'over-sockets', code, { start_timeout_ms: 10_000 });
  await other.supervisor.discover();
  await serves(other, 'over-sockets');
});

test('the standard input of a Node plugin is at its end', async () => {
  const opened = await openSupervisor({});
  write(
    opened,
    'plugin',
    `import { readFileSync } from 'node:fs';
     let read = readFileSync(0, 'utf8');
     for await (const chunk of process.stdin) read += chunk;
     console.log(JSON.stringify({ read, argv: process.argv.length }));`,
  );
  await opened.supervisor.discover();
  await serves(opened, 'plugin');
  expect(await opened.supervisor.logs('plugin')).toContain('{"read":"","argv":2}');
});

test('a plugin that forks the program it runs in gets a child that ends with the reason', async () => {
  const opened = await openSupervisor({});
  write(
    opened,
    'plugin',
    `import cluster from 'node:cluster';
     for (const silent of [false, true]) {
       cluster.setupPrimary({ silent });
       const { process: child } = cluster.fork();
       child.stderr?.pipe(process.stderr);
       await new Promise((resolve) => child.once('exit', resolve));
     }`,
  );
  await opened.supervisor.discover();
  await serves(opened, 'plugin');
  expect(await opened.supervisor.logs('plugin')).toContain('This program is started by greenroom.');
});

test('a plugin that fails as it is loaded ends its worker although it has replaced process.exit', async () => {
  const opened = await openSupervisor({});
  write(opened, 'plugin', `process.exit = () => {}; throw new Error('no model');`);
  await opened.supervisor.discover();
  const error = await failure(opened.supervisor.load('plugin'));
  expect(error).toMatchObject({ code: 'E_START', message: expect.stringContaining('no model') });
});

test('what a plugin logs is in its log, whatever it has done to standard error', async () => {
  const opened = await openSupervisor({});
  const module = join(opened.scratch, 'plugin.mjs');
  writeFileSync(
    module,
    `process.stderr.write = console.error = () => { throw new Error('off'); };
     export default { execute: (_input, ctx) => ctx.log.info('called', { n: 1 }) };`,
  );
  opened.write('plugin', { worker: 'node', module });
  await opened.supervisor.discover();
  await opened.supervisor.execute('plugin');
  expect(await opened.supervisor.logs('plugin')).toContain('[info] called {"n":1}');
});

test('a worker whose control thread ends, ends too, whatever errors its plugin catches', async () => {
  const opened = await openSupervisor({});
  const module = join(opened.scratch, 'plugin.mjs');
  writeFileSync(
    module,
    `import { EventEmitter } from 'node:events';
     import { Worker } from 'node:worker_threads';
     process.on('uncaughtException', () => {});
     let thread;
     Worker.prototype.emit = function (...event) {
       thread = this;
       return EventEmitter.prototype.emit.apply(this, event);
     };
     export default { execute: async ({ end }) => (end ? thread.terminate().then(() => new Promise(() => {})) : 'served') };`,
  );
  opened.write('plugin', { worker: 'node', module, liveness: false });
  await opened.supervisor.discover();
  await opened.supervisor.execute('plugin');
  expect(await failure(opened.supervisor.execute('plugin', { end: true }))).toMatchObject({
    code: 'E_CRASHED',
    message: expect.stringContaining('The control thread of the worker ended'),
  });
  expect(await opened.supervisor.execute('plugin')).toBe('served');
});
