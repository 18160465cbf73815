import { afterEach } from 'vitest';
import { type BlockingOptions, type BlockingSupervisor, createSupervisor } from '../../src/sync/index.ts';
import { type ManifestOf, type OpenedSupervisor, openSupervisor } from '../runtime/greenroom.ts';

/** A blocking supervisor, and an ordinary one beside it with the same plugins. */
export interface OpenedBlocking extends OpenedSupervisor {
  readonly blocking: BlockingSupervisor;
}

const opened: BlockingSupervisor[] = [];

/** Opens both. They are stopped after the test, and nothing of them may remain. */
export async function openBlocking(
  manifests: Record<string, ManifestOf>,
  options: BlockingOptions = {},
): Promise<OpenedBlocking> {
  const beside = await openSupervisor(manifests);
  const { plugins, dataDir } = beside;
  const blocking = createSupervisor({
    searchPaths: [plugins],
    dataDir,
    watch: false,
    logLevel: 'silent',
    restart: { backoff: { baseMs: 1, capMs: 5 } },
    stopTimeoutMs: 2_000,
    ...options,
  });
  opened.push(blocking);
  return { ...beside, blocking };
}

afterEach(() => {
  for (const blocking of opened.splice(0)) blocking.stop();
});

/** What something throws. */
export function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('Nothing was thrown.');
}
