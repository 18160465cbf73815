import { randomUUID } from 'node:crypto';
import { RedisJobStore, type RedisJobStoreOptions } from '../../../src/jobs/redis/redis-job-store.ts';
import { RedisLink, type RedisLinkOptions } from '../../../src/jobs/redis/redis-link.ts';

/** A node of a test: a store and its link. */
export interface OpenedNode {
  readonly node: string;
  readonly link: RedisLink;
  readonly store: RedisJobStore;
  readonly waiting: readonly string[];
  /** Ends it as a crash does: it says nothing more, and leaves what it has. */
  vanish(): Promise<void>;
}

const open: OpenedNode[] = [];

/** Opens a node at a Redis, with times short enough for tests. */
export async function openNode(
  url: string,
  options: Partial<RedisJobStoreOptions> = {},
  linkOptions: Partial<RedisLinkOptions> = {},
): Promise<OpenedNode> {
  const node = randomUUID();
  const link = await RedisLink.open({ url, ...linkOptions });
  const { store, waiting } = await RedisJobStore.open(link, {
    node,
    history: { maxJobs: 10_000, maxAgeMs: Infinity },
    onListenerError: () => {},
    liveness: { beatMs: 50, goneMs: 200, lookMs: 200 },
    ...options,
  });
  const opened = { node, link, store, waiting, vanish: () => link.close() };
  open.push(opened);
  return opened;
}

/** Ends all nodes of a test. */
export async function closeNodes(): Promise<void> {
  for (const { store, link } of open.splice(0)) {
    await store.close();
    await link.close();
  }
}
