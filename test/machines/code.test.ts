import { expect, test } from 'vitest';
import { type ActorRefFrom, createActor, fromCallback, fromPromise } from 'xstate';
import type { CodeFault } from '../../src/code/code-fault.ts';
import type { CodeNews, CodeReplacement } from '../../src/code/code-news.ts';
import { codeMachine } from '../../src/machines/code.ts';
import { SimulatedClock } from '../simulation/clock.mjs';

const FAULT: CodeFault = { file: '/a', line: 1, text: 'a = = 1', message: 'SyntaxError: invalid syntax' };

/** The code machine with checks and replacements that end when they are told to. */
class Bench {
  readonly clock = new SimulatedClock();
  readonly news: CodeNews[] = [];
  readonly checks: PromiseWithResolvers<CodeFault | undefined>[] = [];
  readonly replacements: PromiseWithResolvers<CodeReplacement>[] = [];
  readonly #contents = new Map<string, string>();
  readonly #actor: ActorRefFrom<typeof codeMachine>;

  constructor() {
    const { clock } = this;
    const logic = codeMachine.provide({
      actors: {
        follow: fromCallback(() => {}),
        check: fromPromise(() => begun(this.checks)),
        replace: fromPromise(() => begun(this.replacements)),
      },
    });
    const input = { clock, tell: (news: CodeNews) => void this.news.push(news) };
    this.#actor = createActor(logic, { clock, input }).start();
  }

  change(file: string, after: string): void {
    this.#actor.send({ type: 'CHANGED', file, before: this.#contents.get(file) ?? 'first', after });
    this.#contents.set(file, after);
  }

  get state(): string {
    return JSON.stringify(this.#actor.getSnapshot().value);
  }

  get outcomes(): string[] {
    return this.news.map(({ outcome, files }) => `${outcome} ${files.join(' ')}`);
  }
}

function begun<T>(all: PromiseWithResolvers<T>[]): Promise<T> {
  const next = resolvers<T>();
  all.push(next);
  return next.promise;
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

function resolvers<T>(): PromiseWithResolvers<T> {
  let [resolve, reject]: [(value: T) => void, (error: unknown) => void] = [() => {}, () => {}];
  const promise = new Promise<T>((onValue, onError) => {
    [resolve, reject] = [onValue, onError];
  });
  return { promise, resolve, reject };
}

test('one changed file is looked at after 50 ms of quiet, several after 150 ms, and endless changes after 1 s', async () => {
  for (const [files, quiet] of [
    [['/a'], 50],
    [['/a', '/b'], 150],
  ] as const) {
    const bench = new Bench();
    for (const file of files) bench.change(file, 'new');
    await bench.clock.advance(quiet - 1);
    expect(bench.checks).toHaveLength(0);
    await bench.clock.advance(1);
    expect(bench.outcomes).toEqual([`changed ${files.join(' ')}`]);
  }
  const endless = new Bench();
  for (let passed = 0; passed < 1_000; passed += 40) {
    expect(endless.checks).toHaveLength(0);
    endless.change('/a', String(passed));
    await endless.clock.advance(40);
  }
  expect(endless.checks).toHaveLength(1);
});

test('a file that is again as it was is no change, and neither is one that the starting worker writes anew', async () => {
  const bench = new Bench();
  bench.change('/a', '');
  bench.change('/a', 'first');
  await bench.clock.advance(1_000);
  expect(bench.checks).toHaveLength(0);
  bench.change('/a', 'second');
  await bench.clock.advance(50);
  bench.checks[0]?.resolve(undefined);
  await bench.clock.advance(1);
  bench.change('/a', '');
  bench.change('/a', 'second');
  await bench.clock.advance(1_000);
  bench.replacements[0]?.resolve('served');
  await bench.clock.advance(1);
  await bench.clock.advance(1_000);
  expect(bench.outcomes).toEqual(['changed /a', 'served /a']);
  expect([bench.checks.length, bench.replacements.length, bench.state]).toEqual([1, 1, '"following"']);
});

test('a fault is not run; the next change is checked together with it, and both are served', async () => {
  const bench = new Bench();
  bench.change('/a', 'faulty');
  await bench.clock.advance(50);
  bench.checks[0]?.resolve(FAULT);
  await bench.clock.advance(1);
  expect(bench.news.at(-1)).toEqual({ outcome: 'faulty', files: ['/a'], fault: FAULT });
  bench.change('/b', 'good');
  await bench.clock.advance(50);
  bench.checks[1]?.resolve(undefined);
  await bench.clock.advance(1);
  bench.replacements[0]?.resolve('served');
  await bench.clock.advance(1);
  expect(bench.outcomes).toEqual(['changed /a', 'faulty /a', 'changed /a /b', 'served /a /b']);
});

test('a change while the new worker starts begins anew, and one that did not start is told with its reason', async () => {
  const bench = new Bench();
  bench.change('/a', 'second');
  await bench.clock.advance(50);
  bench.checks[0]?.resolve(undefined);
  await bench.clock.advance(1);
  bench.change('/b', 'second');
  await bench.clock.advance(50);
  // That of the worker that is out of date.
  bench.replacements[0]?.resolve('served');
  bench.checks[1]?.resolve(undefined);
  await bench.clock.advance(1);
  bench.replacements[1]?.reject(new Error('no module'));
  await bench.clock.advance(1);
  await bench.clock.advance(1_000);
  expect(bench.outcomes).toEqual(['changed /a', 'changed /a /b', 'failed /a /b']);
  expect(bench.news.at(-1)).toMatchObject({ reason: 'no module' });
  expect(bench.state).toBe('"following"');
});
