import type { Page } from 'playwright-core';
import type { Inspector } from '../../../src/inspector/inspector.ts';
import type { Sync } from '../../../src/inspector/wire.ts';
import type { SupervisorSettings } from '../../../src/settings/schema.ts';
import { type Bench, get, inspect, openBench } from '../bench.ts';
import { PAGE_FOLDER } from './browser.ts';

/** A real supervisor and its inspector. */
export interface Session {
  readonly bench: Bench;
  readonly inspector: Inspector;
  readonly port: number;
  readonly token: string;
  /** Everything at this moment. */
  snapshot(): Promise<Sync>;
  /** The whole session, as the runtime exports it. */
  exported(): Promise<string>;
}

/** A real supervisor with these plugins beside `bench`, and its inspector. */
export async function openSession(
  names: readonly string[] = [],
  { control = false, ...settings }: SupervisorSettings & { readonly control?: boolean } = {},
): Promise<Session> {
  const bench = await openBench({ description: '<img src=x onerror="document.title=1">' }, settings);
  for (const name of names) bench.write(name);
  await bench.supervisor.discover();
  const { inspector, port, token } = await inspect(bench.inspected, { folder: PAGE_FOLDER, control });
  const ask = async (path: string): Promise<string> =>
    (await get(port, path, { authorization: `Bearer ${token}` })).body;
  return {
    bench,
    inspector,
    port,
    token,
    snapshot: async () => JSON.parse(await ask('/api/snapshot')) as Sync,
    exported: () => ask('/api/export'),
  };
}

/** Waits until what is found says what is wanted. */
export async function says(page: Page, selector: string, wanted: RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: wanted }).first().waitFor();
}

/** Has the worker of a plugin end in the middle of a call. */
export async function crash({ supervisor }: Bench, plugin = 'bench'): Promise<void> {
  await supervisor.execute(plugin, { do: 'exit', code: 3 }).catch(() => {});
}
