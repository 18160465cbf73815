import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { compileConsumer } from './consumer.ts';

const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

test('installing the package runs nothing, of which npm would warn', () => {
  for (const script of ['preinstall', 'install', 'postinstall', 'preprepare', 'prepare', 'postprepare'])
    expect(scripts).not.toHaveProperty(script);
});

test('a clone is built by npm ci, and a package before it is packed', () => {
  // npm runs `dependencies` of the project itself alone, and for a dependency from git in its clone.
  expect(scripts).toMatchObject({ dependencies: scripts['prepack'], prepack: 'npm run build' });
});

test('the declarations compile in the strictest program, which needs no types of XState for them', () => {
  const { errors, read } = compileConsumer({
    'main.ts': `
      import { createSupervisor, GreenroomError, type Supervisor } from 'greenroom';
      import { createClient } from 'greenroom/client';
      import { type Job, openJobs, output } from 'greenroom/jobs';
      import { createSupervisor as createBlocking } from 'greenroom/sync';
      import { definePlugin } from 'greenroom/worker';

      export const supervisor: Supervisor = await createSupervisor({ observer: ({ type }) => console.log(type) });
      export const result: unknown = await supervisor.execute('any', { a: 1 }, { tool: 'x', timeoutMs: 1 });
      export const blocking: unknown = createBlocking({ unknown: undefined } as object).execute('any');
      export const client = createClient({ dataDir: '/data' });
      export const remote: number = await client.execute<number>('any', { a: 1 }, { timeoutMs: 1 });
      const jobs = await openJobs({ supervisor });
      const { b } = await jobs.addAll({ a: { plugin: 'any' }, b: { plugin: 'any', input: { a: output('a', '/b') } } });
      export const job: Job = await b.read();
      export const plugin = definePlugin({ name: 'any', execute: (input: { a: number }) => input.a });
      export const isOurs = (error: unknown): boolean => error instanceof GreenroomError;
    `,
  });
  expect(errors).toEqual([]);
  expect(
    read.filter((file) =>
      /[\\/]dist[\\/](index|client[\\/]index|sync[\\/]index|jobs[\\/]index|node-sdk[\\/]index)\.d\.ts$/.test(file),
    ),
  ).toHaveLength(5);
  expect(read.filter((file) => file.includes('xstate'))).toEqual([]);
});
