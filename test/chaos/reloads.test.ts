import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { randomFrom } from '../simulation/random.mjs';
import { World } from '../simulation/world.ts';

const PLUGINS = Array.from({ length: 10 }, (_, n) => `plugin-${n}`);
const SECONDS = 3_600;
const CALLS_A_SECOND = 3;
const SEED = 1;

// Vitest picks XState's development build, which warns of events that come after the end, and writing that takes time.
vi.spyOn(console, 'warn').mockImplementation(() => {});

test('an hour of calls and streams, with a plugin reloaded every second, loses none', { timeout: 0 }, async () => {
  const random = randomFrom(SEED);
  const world = await World.open({
    manifests: Object.fromEntries(PLUGINS.map((name) => [name, { max_concurrency: 8 }])),
  });
  onTestFinished(() => world.close());
  const { clock, supervisor, workers, runtime } = world;
  PLUGINS.forEach((name, n) => world.behave(name, { spawn: 5 + 20 * n, initialize: 100 * n, cleanup: 10 }));

  let begun = 0;
  let ended = 0;
  let reloaded = 0;
  const wrong: unknown[] = [];
  const crashes: unknown[] = [];
  runtime.transitions.add((transition) => transition.to === 'crashed' && crashes.push(transition));

  const call = async (name: string): Promise<void> => {
    begun += 1;
    const value = begun;
    // Most take milliseconds, and some seconds.
    const input = { value, ms: Math.ceil(4_000 * random() ** 4) };
    try {
      const results: unknown[] = [];
      if (value % 5 === 0) for await (const chunk of supervisor.stream(name, input)) results.push(chunk);
      else results.push(await supervisor.execute(name, input));
      if (results.length !== 1 || results[0] !== value) wrong.push({ value, results });
    } catch (error) {
      wrong.push(error);
    }
    ended += 1;
  };
  const hourIsOver = clock.now() + SECONDS * 1_000;
  const keepCalling = (name: string): void => {
    if (clock.now() >= hourIsOver) return;
    void call(name);
    clock.setTimeout(() => keepCalling(name), (-Math.log(random()) * 1_000) / CALLS_A_SECOND);
  };
  const reload = async (name: string): Promise<void> => {
    try {
      await supervisor.reload(name);
      reloaded += 1;
    } catch (error) {
      wrong.push(error);
    }
  };

  for (const name of PLUGINS) keepCalling(name);
  for (let second = 0; second < SECONDS; second += 1) {
    await clock.advance(1_000);
    world.checkAll();
    const name = PLUGINS[second % PLUGINS.length] ?? '';
    // By turns, also for each plugin.
    if ((second + Math.floor(second / PLUGINS.length)) % 2 === 0) void reload(name);
    else await world.change(name, { env_vars: { SECOND: second } });
  }
  await clock.advance(30_000);
  await turn();

  expect(wrong).toEqual([]);
  expect(crashes).toEqual([]);
  expect(ended).toBe(begun);
  expect(begun).toBeGreaterThan(PLUGINS.length * SECONDS * (CALLS_A_SECOND - 1));
  expect(reloaded).toBe(SECONDS / 2);
  // Each reload and each change of a manifest has started exactly one worker.
  expect(workers.all).toHaveLength(PLUGINS.length + SECONDS);
  expect(workers.living()).toHaveLength(PLUGINS.length);
  await world.stop();
});
