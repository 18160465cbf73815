// A program that shares jobs and runs them, as a node of a fleet does, until it is killed. Each job takes 20 ms.
import { randomUUID } from 'node:crypto';
import { RedisJobStore } from '../../../dist/jobs/redis/redis-job-store.js';
import { RedisLink } from '../../../dist/jobs/redis/redis-link.js';

const [url = ''] = process.argv.slice(2);

/** Does something until Redis has it. */
async function untilDone(act) {
  for (;;) {
    try {
      return await act();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const link = await untilDone(() => RedisLink.open({ url }));
const { store } = await untilDone(() =>
  RedisJobStore.open(link, {
    node: randomUUID(),
    history: { maxJobs: 10_000, maxAgeMs: Number.POSITIVE_INFINITY },
    onListenerError: () => {},
    liveness: { beatMs: 100, goneMs: 500, lookMs: 500 },
  }),
);

for (;;) {
  const taken = await store
    .take([
      { plugin: 'a', count: 2 },
      { plugin: 'b', count: 2 },
    ])
    .catch(() => []);
  await Promise.all(
    taken.map(async ({ id, claim, once }) => {
      await untilDone(() => store.begin([{ id, claim, once, generation: 1 }]));
      await new Promise((resolve) => setTimeout(resolve, 20));
      const outcome = { end: 'done', result: new Uint8Array([1]) };
      const [said] = await untilDone(() => store.settle([{ id, claim, outcome }]));
      // Each line says that this program has ended the job, and that nobody else can.
      if (said === 'ok') process.stdout.write(`${id}\n`);
    }),
  );
  if (taken.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
}
