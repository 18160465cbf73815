import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { python } from '../../src/worker-kinds/python.ts';
import { DEFAULT_PYTHON } from '../../src/worker-kinds/python-interpreter.ts';
import type { WorkerProgram } from './driver.ts';

/** A worker of the suite. */
export interface ConformingWorker {
  readonly name: string;
  readonly program: WorkerProgram;
  /** Whether it answers control, and notices its host's end, while a call keeps a processor busy. */
  readonly threaded: boolean;
}

const fixtures = fileURLToPath(new URL('../fixtures/conformance', import.meta.url));

/** The host program of Node plugins, from the build. */
export const NODE_HOST = fileURLToPath(new URL('../../dist/node-sdk/host.js', import.meta.url));

/** A program for a module of the fixtures, on the Node SDK, as a supervisor starts it. */
export function nodeProgram(module: string): WorkerProgram {
  return { ...bareNodeProgram(module), args: [NODE_HOST, '3'], bootDescriptor: 3 };
}

/** The same, with its standard streams alone. */
function bareNodeProgram(module: string): WorkerProgram {
  return {
    file: process.execPath,
    args: [NODE_HOST],
    plugin: { name: 'conformance', folder: fixtures, module: resolve(fixtures, module) },
  };
}

/** Every worker that must keep to the protocol. */
export const WORKERS: readonly ConformingWorker[] = [
  { name: 'the Node SDK', threaded: true, program: nodeProgram('plugin.mjs') },
  { name: 'the Node SDK on its standard streams', threaded: true, program: bareNodeProgram('plugin.mjs') },
  {
    name: 'a program without an SDK',
    threaded: false,
    program: {
      file: process.execPath,
      args: [`${fixtures}/command-worker.mjs`],
      plugin: { name: 'conformance', folder: fixtures },
    },
  },
  {
    name: 'the Python SDK',
    threaded: true,
    program: {
      ...python.command({ manifest: {}, resolved: {}, folder: '' }, {}),
      file: DEFAULT_PYTHON,
      plugin: { name: 'conformance', folder: fixtures, module: 'plugin', class: 'ConformancePlugin' },
    },
  },
];

/** Those that speak frames too. */
export const FRAMED_WORKERS: readonly ConformingWorker[] = WORKERS.map((worker) =>
  worker.threaded ? worker : { ...worker, program: { ...worker.program, args: [...worker.program.args, 'frames'] } },
);
