import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedStore } from '../../src/jobs/embedded/embedded-store.ts';
import { describeStore } from './store-suite.ts';

describeStore('the embedded store', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gr-store-'));
  const history = { maxJobs: 10_000, maxAgeMs: Infinity };
  let { store } = await EmbeddedStore.open(folder, history, () => {});
  return {
    store,
    reopen: async () => {
      await store.close();
      ({ store } = await EmbeddedStore.open(folder, history, () => {}));
      return store;
    },
    remove: async () => {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});
