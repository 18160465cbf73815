// @ts-check
// Lets the system calls of this process fail at random, as they do on a machine that is short of something: at the
// level of Node's own bindings for processes and sockets, and of node:fs for files.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { connect, createServer } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Shortages, which pass by themselves, and faults that may be for good. */
export const SHORTAGES = /** @type {const} */ (['EMFILE', 'EAGAIN', 'ENOSPC', 'ENOMEM']);
export const FAULTS = /** @type {const} */ ([...SHORTAGES, 'EACCES', 'ENOENT', 'EIO']);

/** @typedef {'spawn' | 'connect' | 'write' | 'file'} Call */
/** @typedef {(typeof FAULTS)[number]} Code */

/** How often each kind of call fails, 0 to 1, and with what. All zero: the system is well. */
export const faults = {
  /** @type {Record<Call, number>} */
  rates: { spawn: 0, connect: 0, write: 0, file: 0 },
  /** @type {readonly Code[]} */
  codes: SHORTAGES,
  random: Math.random,
  /** @type {Record<string, number>} */
  injected: {},
};

/** @param {Call} call @param {string} [name] @returns {Code | undefined} */
function drawn(call, name = '') {
  if (faults.rates[call] === 0 || faults.random() >= faults.rates[call]) return undefined;
  const code = faults.codes[Math.floor(faults.random() * faults.codes.length)] ?? 'EMFILE';
  // Whoever removes something and is told that it is not there has every right to believe it.
  if (code === 'ENOENT' && /^(rm|unlink)/.test(name)) return undefined;
  const what = `${call} ${code}`;
  faults.injected[what] = (faults.injected[what] ?? 0) + 1;
  return code;
}

/** What a binding answers: the number of the error, negative, as libuv has it on Unix. @param {Code} code */
const negative = (code) => -constants.errno[code];

/** @param {any} holder @param {string} method @param {Call} call */
function patchBinding(holder, method, call) {
  const original = holder[method];
  holder[method] = function (/** @type {unknown[]} */ ...args) {
    const code = drawn(call);
    return code === undefined ? Reflect.apply(original, this, args) : negative(code);
  };
}

/** The object in the chain of prototypes that has this method itself. @param {any} object @param {string} method */
function ownerOf(object, method) {
  for (let owner = object; owner !== null; owner = Object.getPrototypeOf(owner)) {
    if (Object.hasOwn(owner, method)) return owner;
  }
  throw new Error(`Nothing has ${method}.`);
}

/** What Node itself loads as it goes is no business of ours. @param {unknown} path */
const isSource = (path) =>
  typeof path === 'string' && /\.([cm]?js|json|node|wasm)$/.test(path) && !path.includes(tmpdir());

/** @param {Code} code @param {string} name @param {unknown} path */
function errorOf(code, name, path) {
  const text = `${code}: injected, ${name}${typeof path === 'string' ? ` '${path}'` : ''}`;
  return Object.assign(new Error(text), { code, errno: negative(code), syscall: name.replace(/Sync$/, ''), path });
}

const SYNC = [
  ...[
    'accessSync',
    'appendFileSync',
    'lstatSync',
    'mkdirSync',
    'mkdtempSync',
    'openSync',
    'readdirSync',
    'opendirSync',
  ],
  ...['readFileSync', 'readlinkSync', 'realpathSync', 'renameSync', 'rmdirSync', 'rmSync', 'statSync', 'unlinkSync'],
  ...['writeFileSync', 'writeSync', 'fstatSync', 'chmodSync', 'readSync'],
];
const CALLBACK = [
  'access',
  'lstat',
  'mkdir',
  'open',
  'readdir',
  'rename',
  'stat',
  'unlink',
  'write',
  'writev',
  'fsync',
];
const PROMISES = [
  ...['access', 'lstat', 'mkdir', 'open', 'readdir', 'opendir', 'rename', 'rm', 'rmdir', 'stat', 'unlink', 'writeFile'],
  ...['readFile', 'realpath', 'readlink', 'mkdtemp', 'chmod'],
];

function patchFiles() {
  const all = /** @type {any} */ (fs);
  for (const name of SYNC) {
    const original = all[name];
    all[name] = Object.assign((/** @type {any[]} */ ...args) => {
      const code = isSource(args[0]) ? undefined : drawn('file', name);
      if (code === undefined) return original(...args);
      if (code === 'ENOENT' && args[1]?.throwIfNoEntry === false) return undefined;
      throw errorOf(code, name, args[0]);
    }, original);
  }
  for (const name of CALLBACK) {
    const original = all[name];
    all[name] = Object.assign((/** @type {any[]} */ ...args) => {
      const code = isSource(args[0]) ? undefined : drawn('file', name);
      if (code === undefined) return original(...args);
      process.nextTick(args.at(-1), errorOf(code, name, args[0]));
    }, original);
  }
  for (const name of PROMISES) {
    const original = all.promises[name];
    all.promises[name] = async (/** @type {any[]} */ ...args) => {
      const code = isSource(args[0]) ? undefined : drawn('file', name);
      if (code === undefined) return await original(...args);
      // As late as from the system: whoever tries again at once does not hold up everything else.
      await new Promise((resolve) => void setImmediate(resolve));
      throw errorOf(code, name, args[0]);
    };
  }
  // Named imports of the modules under test see what was put in place.
  syncBuiltinESMExports();
}

/** To be called before anything else is imported that uses the system. */
export async function makeFaulty() {
  const child = spawn('true', { stdio: 'ignore' });
  const handle = /** @type {any} */ (child)['_handle'];
  const binding = Object.getPrototypeOf(handle);
  await once(child, 'exit');
  patchBinding(ownerOf(binding, 'spawn'), 'spawn', 'spawn');
  for (const where of [join(fs.mkdtempSync(join(tmpdir(), 'gr-')), 's'), 0]) {
    const server = createServer((socket) => socket.end());
    server.listen(where);
    await once(server, 'listening');
    const address = server.address();
    const client = typeof address === 'string' ? connect(address) : connect(address?.port ?? 0, '127.0.0.1');
    await once(client, 'connect');
    const socket = Object.getPrototypeOf(/** @type {any} */ (client)['_handle']);
    patchBinding(ownerOf(socket, 'connect'), 'connect', 'connect');
    // Both kinds of sockets may have these from one prototype, which is to be patched once.
    for (const method of ['writeUtf8String', 'writeLatin1String', 'writeBuffer', 'writev']) {
      const owner = ownerOf(socket, method);
      if (!patched.has(owner)) patched.set(owner, new Set());
      if (patched.get(owner)?.has(method) === true) continue;
      patched.get(owner)?.add(method);
      patchBinding(owner, method, 'write');
    }
    client.resume();
    await once(client, 'close');
    server.close();
    if (typeof where === 'string') fs.rmSync(join(where, '..'), { recursive: true, force: true });
  }
  patchFiles();
}

/** @type {Map<unknown, Set<string>>} */
const patched = new Map();
