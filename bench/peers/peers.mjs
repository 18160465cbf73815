// @ts-check
// What is compared: each peer, and how its host side is opened. A peer's library is imported only when it is measured.

/**
 * @typedef {object} Worker One worker with the means of its peer to call it.
 * @property {(input: object) => Promise<unknown>} call answers the input
 * @property {(bytes: Buffer) => Promise<Uint8Array>} bytes answers the bytes
 * @property {number} [pid] where a call with `{ pid: true }` does not answer it
 * @property {() => Promise<unknown>} stop
 *
 * @typedef {object} HostSide What there is once, however many workers there are.
 * @property {(how: { atOnce: number }) => Worker | Promise<Worker>} start starts one worker for so many calls at once
 * @property {() => Promise<unknown>} [close]
 *
 * @typedef {object} Peer
 * @property {string} is for people
 * @property {string | null} package whose version is told; null for what Node or Greenroom has
 * @property {'as bytes' | 'as base64'} sends how bytes travel
 * @property {(folder: string) => Promise<HostSide>} open Rejects with a `Skip` where it cannot run on this machine.
 */

/** All others are compared with it, and a second one of it is the control. */
export const REFERENCE = 'fork-json';

/** @type {Readonly<Record<string, Peer>>} */
export const PEERS = {
  'greenroom-node': {
    is: 'execute of a Node plugin',
    package: null,
    sends: 'as bytes',
    open: async (folder) => (await import('./callers/greenroom.mjs')).open(folder, 'node'),
  },
  'greenroom-python': {
    is: 'execute of a Python plugin',
    package: null,
    sends: 'as bytes',
    open: async (folder) => (await import('./callers/greenroom.mjs')).open(folder, 'python'),
  },
  [REFERENCE]: {
    is: 'child_process.fork, serialization "json"',
    package: null,
    sends: 'as base64',
    open: async () => (await import('./callers/fork.mjs')).open('json'),
  },
  'fork-advanced': {
    is: 'child_process.fork, serialization "advanced"',
    package: null,
    sends: 'as bytes',
    open: async () => (await import('./callers/fork.mjs')).open('advanced'),
  },
  undici: {
    is: 'undici to node:http over a Unix socket',
    package: null,
    sends: 'as bytes',
    open: async (folder) => (await import('./callers/undici.mjs')).open(folder),
  },
  grpc: {
    is: '@grpc/grpc-js over a Unix socket',
    package: '@grpc/grpc-js',
    sends: 'as bytes',
    open: async (folder) => (await import('./callers/grpc.mjs')).open(folder),
  },
  execa: {
    is: 'execa, { ipc: true }',
    package: 'execa',
    sends: 'as bytes',
    open: async () => (await import('./callers/execa.mjs')).open(),
  },
  'jest-worker': {
    is: 'jest-worker, processes',
    package: 'jest-worker',
    sends: 'as bytes',
    open: async () => (await import('./callers/jest-worker.mjs')).open(),
  },
  'workerpool-process': {
    is: 'workerpool, processes',
    package: 'workerpool',
    sends: 'as base64',
    open: async () => (await import('./callers/workerpool.mjs')).open('process'),
  },
  'workerpool-thread': {
    is: 'workerpool, threads',
    package: 'workerpool',
    sends: 'as bytes',
    open: async () => (await import('./callers/workerpool.mjs')).open('thread'),
  },
  piscina: {
    is: 'piscina; it has threads only',
    package: 'piscina',
    sends: 'as bytes',
    open: async () => (await import('./callers/piscina.mjs')).open(),
  },
  bullmq: {
    is: 'BullMQ, sandboxed processor; needs redis-server',
    package: 'bullmq',
    sends: 'as base64',
    open: async (folder) => (await import('./callers/bullmq.mjs')).open(folder),
  },
};
