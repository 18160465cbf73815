import { encodeInput } from '../channel/encoded-input.ts';
import { startByHandshake } from '../process/start-by-handshake.ts';
import type { HandshakeStart } from '../process/worker-start.ts';
import { connectByHandshake } from './handshake-connection.ts';
import type { WorkerKind } from './kind.ts';

/** Any program that speaks the worker protocol. */
export const command: WorkerKind<HandshakeStart> = {
  name: 'command',
  required: ['command'],
  infers: (fields) => fields.command !== undefined,
  passEnv: [],
  startMs: 30_000,
  isPositional: false,
  start: startByHandshake({ descriptor: 0, waits: false }),
  encode: encodeInput,
  programs: ({ resolved: { command: program } }) =>
    program === undefined ? [] : [{ field: 'command', what: 'program', program }],
  command: ({ manifest: { args = [] }, resolved }) => ({ file: resolved.command ?? '', args }),
  connect: connectByHandshake,
  templates: [
    {
      name: 'command',
      about: 'a program that speaks the worker protocol itself',
      example: 'plugins/hello-command',
      files: { 'plugin.mjs': 'the program', 'plugin.test.mjs': 'its test' },
      test: 'node --test',
      calls: [[`'{"name":"Ada"}'`, 'call it']],
    },
  ],
};
