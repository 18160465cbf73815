import { expect, test } from 'vitest';
import { graphOf, packagesOf } from '../module-graph.ts';

/** What the client may be made of: small files about values, errors and records. */
const ALLOWED =
  /^(client|json|text|events|time)\/|^(errors|system-error|argument-checks)\.ts$|^api\/packed-value\.ts$|^daemon\/(daemon-record|start-lock)\.ts$|^process\/(process-identity|proc-stat)\.ts$|^calls\/(call-options|call-errors|traceparent)\.ts$|^jobs\/(add-limits|add-options|job|job-errors|job-handle|job-id|job-output|list-options|stored-error)\.ts$|^tools\/tool-name\.ts$|^settings\/places\.ts$|^files\/(make-folder|package-version|whole-file|working-directory)\.ts$/;

test.each(['client/index.ts', 'client/client.ts'])('%s imports nothing but modules of Node and small files', (file) => {
  expect(packagesOf(file)).toEqual([]);
  const files = [...graphOf(file)].filter((name) => name.endsWith('.ts'));
  expect(files.filter((name) => !ALLOWED.test(name))).toEqual([]);
  expect(files.length).toBeGreaterThan(20);
});

const JOBS = ['add', 'cancel', 'list', 'pause', 'remove', 'resume', 'retry', 'show', 'watch'].map(
  (name) => `jobs/${name}`,
);

test.each(['run', 'list', 'logs', 'explain', 'load', 'unload', 'reload', 'ps', 'top', ...JOBS])(
  'the command %s reaches the daemon without the supervisor, and without a package',
  (command) => {
    for (const file of ['cli/main.ts', `cli/commands/${command}.ts`]) {
      expect(packagesOf(file)).toEqual([]);
      expect([...graphOf(file)].filter((name) => /^(runtime|machines|settings\/schema|manifest)\b/.test(name))).toEqual(
        [],
      );
    }
  },
);

test('the graph that this holds to account has the packages of what embeds a supervisor', () => {
  for (const name of ['zod', 'undici', 'xstate', 'pino']) expect(packagesOf('runtime/supervisor.ts')).toContain(name);
});
