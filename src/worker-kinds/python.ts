import { fileURLToPath } from 'node:url';
import { encodeInput } from '../channel/encoded-input.ts';
import { checkPython } from '../code/check-python.ts';
import { startByHandshake } from '../process/start-by-handshake.ts';
import type { HandshakeStart } from '../process/worker-start.ts';
import { missingModuleAdvice } from '../python-envs/missing-module.ts';
import { GREETING_CALLS } from './greeting-calls.ts';
import { connectByHandshake } from './handshake-connection.ts';
import type { WorkerKind } from './kind.ts';
import {
  DEFAULT_PYTHON,
  environmentOf,
  PYTHON_ENV,
  PYTHON_PASS_ENV,
  pythonOf,
  pythonPrograms,
} from './python-interpreter.ts';

const PYTHON_FOLDER = fileURLToPath(new URL('../../python', import.meta.url));

/**
 * Imports the Python worker instead of running it as a program: Python keeps the compiled form of imported modules, but
 * never that of a program, whose compilation would add 12 ms to every start.
 */
const LAUNCHER = [
  'import sys',
  'folder = sys.argv.pop(1)',
  "sys.path[:1] = [folder] if sys.path[0] == '' else [folder, sys.path[0]]",
  'import greenroom_worker',
  'greenroom_worker.main()',
].join('\n');

/** A class in Python, run by the Python worker of the package. */
export const python: WorkerKind<HandshakeStart> = {
  name: 'python',
  required: ['module'],
  infers: ({ module, class: className, python_path, python: environment }) =>
    python_path !== undefined ||
    environment !== undefined ||
    className !== undefined ||
    module?.endsWith('.py') === true,
  passEnv: PYTHON_PASS_ENV,
  startMs: 30_000,
  isPositional: true,
  start: startByHandshake({ descriptor: 0, waits: true }),
  encode: encodeInput,
  programs: pythonPrograms,
  hasEnvironment: true,
  command: (entry) => ({
    file: pythonOf(entry),
    args: ['-c', LAUNCHER, PYTHON_FOLDER],
    env: PYTHON_ENV,
    environment: environmentOf(entry),
  }),
  connect: connectByHandshake,
  code: { extensions: ['.py'], check: checkPython },
  advise: (printed, entry, owner) =>
    missingModuleAdvice(printed, owner, {
      requirements: entry.resolved.requirements,
      interpreter: pythonOf(entry),
    }),
  templates: [
    {
      name: 'python',
      about: 'a Python class',
      example: 'plugins/hello-python',
      files: { 'plugin.py': 'the plugin', 'test_plugin.py': 'its test' },
      test: `${DEFAULT_PYTHON} -m unittest`,
      calls: GREETING_CALLS,
    },
  ],
};
