import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { JsonObject } from '../../../src/inspector/wire.ts';
import { endAfterTest } from '../bench.ts';

/** Where the page lies when it is built. */
export const PAGE_FOLDER = fileURLToPath(new URL('../../../dist/inspector/ui/', import.meta.url));

/** A browser on this machine; undefined where there is none. */
export const CHROMIUM = (process.env['PATH'] ?? '')
  .split(delimiter)
  .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)))
  .find((path) => existsSync(path));

if (CHROMIUM === undefined) {
  console.warn('The page of the inspector is not tried: no chromium or google-chrome is in the PATH.');
}

let browser: Browser | undefined;
/** The browser of the first page of a test, in which a blank one stays open: to begin a browser takes as long as a test. */
let home: BrowserContext | undefined;
/** What any page has logged as an error or asked of another machine. */
const faults: string[] = [];

/** Starts a browser for the tests of a file, after each of which no page may have had a fault. */
export function useBrowser(): void {
  beforeAll(async () => {
    // Debian's Chromium has a graphics processor draw, and where there is none, makes one up at great cost.
    const args = ['--no-sandbox', '--disable-gpu'];
    browser = await chromium.launch({ executablePath: CHROMIUM as string, args });
    home = await begin({});
    await home.newPage();
  });
  afterEach(() => {
    expect(faults.splice(0)).toEqual([]);
  });
  afterAll(async () => browser?.close());
}

async function begin(options: BrowserContextOptions): Promise<BrowserContext> {
  const context = await (browser as Browser).newContext({
    viewport: { width: 1_440, height: 900 },
    // What moves for ever has all of the page drawn 60 times a second.
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
    ...options,
  });
  context.setDefaultTimeout(60_000);
  return context;
}

/** A blank page: of the browser that all tests share, unless it has one that is open or cannot be of this kind. */
async function blankPage(options: BrowserContextOptions): Promise<Page> {
  const shared = home as BrowserContext;
  if (Object.keys(options).length > 0 || shared.pages().length > 1) {
    const context = await begin(options);
    endAfterTest(() => context.close());
    return context.newPage();
  }
  endAfterTest(async () => {
    await Promise.all(
      shared
        .pages()
        .slice(1)
        .map((page) => page.close()),
    );
  });
  return shared.newPage();
}

/** Opens an address, without motion unless that is asked for, and with nothing kept of other tests. Closed after the test. */
export async function openPage(url: string, options: BrowserContextOptions = {}): Promise<Page> {
  const page = await blankPage(options);
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    // Of a connection that a test has broken, the browser tells by itself.
    if (message.type() === 'error' && !/net::ERR_|status of 4(0[139]|29)/.test(message.text()))
      faults.push(message.text());
  });
  page.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol !== 'blob:' && protocol !== 'data:' && hostname !== '127.0.0.1')
      faults.push(`asked for ${request.url()}`);
  });
  await page.goto(url);
  return page;
}

/** Has an open page shown in these colours and at this size. */
export async function resize(page: Page, colorScheme: 'light' | 'dark', width: number, height: number): Promise<void> {
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize({ width, height });
}

/** The row of an actor in the list. */
export const rowOf = (page: Page, id: string): ReturnType<Page['locator']> => page.locator(`[data-actor="${id}"]`);

/** What a page shows of one instant. */
export interface Shown {
  /** The state of each actor in sight, by its id. */
  readonly actors: Readonly<Record<string, string>>;
  /** The context of the selected actor, where that tab is open. */
  readonly context: JsonObject;
  /** The states that the chart fills, where that tab is open. */
  readonly chart: string;
  /** The counts of the chips. */
  readonly counts: readonly number[];
  /** The row that is marked, and how many rows in sight are marked wrongly as later or not. */
  readonly current: string;
  readonly wrong: number;
}

/** Looks at instants one after another, by the address, and reads every pane at each, with this tab of the details open. */
export async function visit(
  page: Page,
  instants: readonly { readonly seq: number; readonly actor: string }[],
  tab: 'context' | 'chart' = 'context',
): Promise<Shown[]> {
  return page.evaluate(
    async ([given, shownTab]) => {
      // All is drawn in microtasks. To paint each of the instants would take most of the time.
      const drawn = async (): Promise<void> => {
        for (let n = 0; n < 50; n += 1) await Promise.resolve();
      };
      const all = (selector: string): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(selector)];
      const shown = [];
      for (const { seq, actor } of given) {
        location.hash = `#actor=${encodeURIComponent(actor)}&tab=${shownTab}&at=${seq}`;
        dispatchEvent(new HashChangeEvent('hashchange'));
        await drawn();
        const context: Record<string, unknown> = {};
        for (const row of all('.facts > [data-key]')) {
          const text = (row.querySelector('ins') ?? row.querySelector('dd'))?.textContent ?? '—';
          if (text !== '—') context[row.dataset['key'] ?? ''] = JSON.parse(text);
        }
        shown.push({
          actors: Object.fromEntries(
            all('[data-actor]').map((row) => [
              row.dataset['actor'],
              row.querySelector('.actor-state')?.textContent ?? '',
            ]),
          ),
          context: context as JsonObject,
          chart: document.querySelector('.chart-pane')?.getAttribute('aria-label') ?? '',
          counts: all('.chip b').map((count) => Number(count.textContent)),
          current: all('.event[aria-current]')
            .map((row) => row.dataset['seq'] ?? '')
            .join(),
          wrong: all('.event').filter((row) => (row.dataset['later'] === 'true') !== Number(row.dataset['seq']) > seq)
            .length,
        });
      }
      return shown;
    },
    [instants, tab] as const,
  );
}

/** A way to a server that can be broken: to the same machine by another port, under the server's own name. */
export async function openWay(port: number): Promise<{ readonly port: number; cut(): void }> {
  const sockets = new Set<Socket>();
  const way = createServer((client) => {
    const server = connect(port, '127.0.0.1');
    const own = (way.address() as AddressInfo).port;
    client.on('data', (bytes: Buffer) => {
      server.write(bytes.toString('latin1').replaceAll(`127.0.0.1:${own}`, `127.0.0.1:${port}`), 'latin1');
    });
    server.pipe(client);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
  });
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  await new Promise<void>((resolve) => way.listen(0, '127.0.0.1', resolve));
  endAfterTest(async () => {
    cut();
    await new Promise((resolve) => way.close(resolve));
  });
  return { port: (way.address() as AddressInfo).port, cut };
}
