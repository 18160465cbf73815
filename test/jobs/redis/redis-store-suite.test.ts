import { afterAll, beforeAll, describe } from 'vitest';
import { hasRedis, RedisServer } from '../redis-server.ts';
import { describeStore } from '../store-suite.ts';
import { closeNodes, openNode } from './redis-stores.ts';

describe.skipIf(!hasRedis)('with a redis-server', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.remove());

  describeStore('the store in Redis', async () => {
    const first = await openNode(server.url);
    return {
      store: first.store,
      reopen: async () => {
        await first.vanish();
        const { store, node } = await openNode(server.url);
        await new Promise<void>((resolve) => {
          const off = store.onNodeGone((gone) => {
            if (gone !== first.node || gone === node) return;
            off();
            resolve();
          });
        });
        return store;
      },
      remove: async () => {
        const { link } = await openNode(server.url);
        await link.send(['FLUSHALL']);
        await closeNodes();
        await link.close();
      },
    };
  });
});
