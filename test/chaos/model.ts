import { randomFrom } from '../simulation/random.mjs';
import { causeEvent } from '../simulation/random-events.ts';
import { INSTANCES, type Manifests, World } from '../simulation/world.ts';

/** What one run of the model has come to. */
export interface ModelRun {
  readonly seen: ReadonlySet<string>;
  readonly calls: number;
  readonly results: number;
}

const LONG = { interval_ms: 30_000, timeout_ms: 30_000 };

/** Plugins that differ in what matters, so that every mixture of it is there. */
function manifestsOf(plugins: number): Manifests {
  return Object.fromEntries(
    Array.from({ length: plugins }, (_, n) => [
      `plugin-${n}`,
      {
        max_concurrency: 1 + (n % 3),
        // A clock that passes hours in a step has much to do for each that may have several.
        instances: n % 10 === 0 ? INSTANCES[(n / 10) % INSTANCES.length] : 1,
        ...(n % 3 === 0 ? { max_rss_mb: 500 } : {}),
        idempotent: n % 2 === 0,
        start_timeout_ms: 2_000,
        stop_timeout_ms: 500,
        cancel_grace_ms: n % 4 < 2 ? 500 : 5_000,
        drain_timeout_ms: 1_000 + (n % 5) * 1_000,
        restart: {
          policy: ['transient', 'permanent', 'temporary'][n % 7] ?? 'transient',
          intensity: n % 3 === 0 ? 3 : 1_000,
          backoff: { base_ms: 10, cap_ms: 2_000 },
        },
        // Of those who notice when time passes at a stroke few live for long.
        liveness: n % 11 === 0 ? { interval_ms: 1_000, timeout_ms: 2_000 } : n % 3 === 0 && LONG,
      },
    ]),
  );
}

/**
 * Lets so many events loose on so many plugins of the real supervisor, then lets everything settle, uses every plugin
 * once more, and stops. Rejects where an invariant does not hold, with the seed and what was done last.
 */
export async function runModel(seed: number, plugins: number, events: number): Promise<ModelRun> {
  const random = randomFrom(seed);
  const world = await World.run({ manifests: manifestsOf(plugins), seed, changesAtOnce: 20 }, async (world) => {
    for (let n = 0; n < events; n += 1) {
      // A few plugins get most of it, and others each time, so that a lot happens to one before it settles.
      const which = Math.floor(plugins * random() ** 3) + Math.floor(n / 1_000) * 50;
      await causeEvent(world, `plugin-${which % plugins}`, Math.floor(random() * 2 ** 31));
    }
    await world.settle();
    await world.revive();
    await world.stop();
  });
  const { seen, tally } = world;
  return { seen, calls: tally.calls, results: tally.results };
}
