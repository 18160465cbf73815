import { fileURLToPath } from 'node:url';
import { encodeInput } from '../channel/encoded-input.ts';
import { checkNode } from '../code/check-node.ts';
import { startByHandshake } from '../process/start-by-handshake.ts';
import type { HandshakeStart } from '../process/worker-start.ts';
import { GREETING_CALLS } from './greeting-calls.ts';
import { connectByHandshake } from './handshake-connection.ts';
import type { WorkerKind } from './kind.ts';
import { NODE_ADVICE, nodeProgram } from './node-program.ts';

const HOST = fileURLToPath(new URL('../../dist/node-sdk/host.js', import.meta.url));

/** Whether this Node runs TypeScript; an older one needs `tsx` for it. */
const REMOVES_TYPES = 'typescript' in process.features && process.features.typescript !== false;

/** A module in JavaScript or TypeScript, run by the Node worker of the package. */
export const node: WorkerKind<HandshakeStart> = {
  name: 'node',
  required: ['module'],
  infers: ({ module }) => module !== undefined && /\.[cm]?[jt]s$/.test(module),
  passEnv: [],
  startMs: 30_000,
  isPositional: false,
  // Node cannot move a descriptor out of a plugin's way as Python can, so its workers are given another.
  start: startByHandshake({ descriptor: 3, waits: true }),
  encode: encodeInput,
  programs: () => [],
  command(_entry, { nodePath }) {
    const { file, env, problem } = nodeProgram(nodePath);
    return { file, args: [HOST, '3'], env, problem, advice: NODE_ADVICE };
  },
  connect: connectByHandshake,
  code: { extensions: ['.mjs', '.js', '.cjs', '.ts', '.mts', '.cts'], check: checkNode },
  templates: [
    {
      name: 'node',
      about: 'a module for Node',
      example: 'plugins/hello-node',
      files: { 'plugin.mjs': 'the plugin', 'plugin.test.mjs': 'its test' },
      test: 'node --test',
      calls: GREETING_CALLS,
    },
    {
      name: 'typescript',
      about: 'a module in TypeScript; needs Node 22.18 or newer, or tsx in its folder or above',
      example: 'typescript/hello-typescript',
      files: {
        'plugin.ts': 'the plugin',
        'plugin.test.ts': 'its test',
        'package.json': 'that its modules are ES modules',
        'tsconfig.json': 'how its types are checked',
      },
      test: `node ${REMOVES_TYPES ? '' : '--import tsx '}--test plugin.test.ts`,
      calls: GREETING_CALLS,
    },
  ],
};
