import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { barriersOf, overflowOf } from './barriers.ts';
import { CHROMIUM, openPage, resize, rowOf, useBrowser } from './browser.ts';
import { crash, openSession, type Session, says } from './session.ts';

const recordAt = (at: number, msg: string): string =>
  `${JSON.stringify({ level: 30, time: new Date(at).toISOString(), plugin: '', stream: 'stdout', generation: 1, msg })}\n`;

/** Writes the log of a plugin, as the runtime would; adds to it where it is there. */
function log({ bench }: Session, plugin: string, text: string, number = 0): void {
  mkdirSync(join(bench.folder, 'logs'), { recursive: true });
  appendFileSync(join(bench.folder, 'logs', `${plugin}.log${number === 0 ? '' : `.${number}`}`), text);
}

const openLogs = async (page: Page): Promise<void> => page.getByRole('tab', { name: 'Logs' }).click();
const lines = (page: Page): Promise<string[]> => page.locator('.logs .log-text').allTextContents();
const current = (page: Page): ReturnType<Page['locator']> => page.locator('.logs .log-line[aria-current]');
const pressInList = (page: Page, key: string): Promise<void> => page.locator('.logs .virtual').press(key);

describe.skipIf(CHROMIUM === undefined)('the logs of the page', () => {
  useBrowser();

  it('are of the selected plugin or of all, follow what is printed, and show it as text', async () => {
    const session = await openSession(['other']);
    const { supervisor } = session.bench;
    await supervisor.execute('bench', { do: 'say', text: 'one <img src=x onerror="document.title=1">' });
    const page = await openPage(session.inspector.url);
    await openLogs(page);
    await says(page, '.logs .log-line', /bench.*one <img/);
    await supervisor.execute('other', { do: 'say', text: 'two \u202Etxt.exe' });
    await says(page, '.logs .log-line', /other.*two \u202Etxt\.exe/);
    expect(await page.locator('.logs .log-text > bdi').filter({ hasText: 'two' }).count()).toBe(1);
    await rowOf(page, 'plugin:other').click();
    await says(page, '.logs .log-line', /two/);
    expect((await lines(page)).join()).not.toContain('one');
    await supervisor.execute('other', { do: 'say', text: 'three' });
    await says(page, '.logs .log-line', /three/);
    expect(await page.title()).toBe('Greenroom');
    expect(await page.locator('.logs img').count()).toBe(0);
  });

  it('go from a line to its instant, and from an event to the lines around it', async () => {
    const session = await openSession();
    const { supervisor } = session.bench;
    await supervisor.load('bench');
    await supervisor.execute('bench', { do: 'say', text: 'before the crash' });
    await crash(session.bench);
    await supervisor.execute('bench', { do: 'say', text: 'after the crash' });
    const page = await openPage(session.inspector.url);
    await rowOf(page, 'plugin:bench').click();
    await openLogs(page);
    await page.locator('.log-line').filter({ hasText: 'before the crash' }).click();
    await says(page, '.pill', /Paused/);
    expect(await current(page).locator('.log-text').textContent()).toBe('before the crash');
    await rowOf(page, 'plugin:bench')
      .filter({ hasText: /ready|busy/ })
      .waitFor();
    await page.locator('.log-line[data-later=true]').filter({ hasText: 'after the crash' }).waitFor();
    // A further event: the log stays, and stands at it.
    await page.locator('.event').filter({ hasText: 'E_CRASHED' }).first().click();
    await page.waitForFunction(
      () => !document.querySelector('.logs [aria-current]')?.textContent?.includes('before the'),
    );
    await page.locator('.log-line[data-later=true]').filter({ hasText: 'after the crash' }).waitFor();
    await page.locator('.log-line[data-later=false]').filter({ hasText: 'before the crash' }).waitFor();
    await page.getByRole('tab', { name: 'Event', exact: true }).click();
    await says(page, '.lines-beside .log-line', /worker ended/);
    await page.getByRole('button', { name: 'Show in the log' }).click();
    await current(page).waitFor();
    await page.keyboard.press('Escape');
    await says(page, '.logs [aria-pressed=true]', /Follow/);
  });

  it('are read by the keyboard, to where they begin and no longer are, and lead to the first error', async () => {
    const session = await openSession(['quiet']);
    const start = Date.now() - 3_600_000;
    for (const number of [3, 2, 1]) {
      const text = Array.from({ length: 300 }, (_, n) =>
        recordAt(start - number * 1_000 + n, `file ${number} line ${n}`),
      );
      log(session, 'quiet', text.join(''), number);
    }
    log(session, 'quiet', recordAt(start, '[ERROR] the first') + recordAt(start + 1, 'x'.repeat(3_000)));
    log(session, 'quiet', recordAt(start + 2, '[error] the second'));
    const page = await openPage(session.inspector.url);
    await rowOf(page, 'plugin:quiet').click();
    await openLogs(page);
    await says(page, '.logs-errors', /2 errors/);
    await page.getByRole('button', { name: '2 errors' }).press('Enter');
    await says(page, '.log-detail', /older than what the page remembers.*the first/);
    expect(await current(page).locator('.log-text').textContent()).toBe('[ERROR] the first');
    await page.keyboard.press('ArrowDown');
    await says(page, '.log-detail pre', /^x{3000}$/);
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    expect(await current(page).locator('.log-text').textContent()).toBe('file 1 line 299');
    const currentText = (): Promise<string | undefined> =>
      page.evaluate(() => document.querySelector('.logs [aria-current] .log-text')?.textContent);
    // Page after page, each loaded as its first line comes into sight.
    const upwards = async (): Promise<string | undefined> => {
      await pressInList(page, 'Home');
      return currentText();
    };
    await expect.poll(upwards).toBe('file 3 line 0');
    await pressInList(page, 'Home');
    await says(page, '.log-beyond', /no longer kept/);
  });

  it('are searched, and filtered by level', async () => {
    const session = await openSession(['quiet']);
    const start = Date.now() - 60_000;
    const text = Array.from({ length: 900 }, (_, n) =>
      recordAt(start + n, n % 300 === 0 ? `[WARNING] Needle ${n}` : `hay ${n}`),
    );
    log(session, 'quiet', text.join(''));
    const page = await openPage(session.inspector.url);
    await rowOf(page, 'plugin:quiet').click();
    await openLogs(page);
    await says(page, '.logs .log-line', /hay 899/);
    await page.getByRole('searchbox', { name: 'Filter lines' }).fill('needle');
    await page.waitForFunction(() => document.querySelectorAll('.logs .log-line').length === 3);
    await says(page, '.log-beyond', /No earlier line matches/);
    log(session, 'quiet', recordAt(Date.now(), 'hay') + recordAt(Date.now(), 'NEEDLE live'));
    await says(page, '.logs .log-line', /NEEDLE live/);
    expect((await lines(page)).length).toBe(4);
    await page.getByRole('searchbox', { name: 'Filter lines' }).fill('');
    await page.getByRole('combobox', { name: 'Level' }).selectOption('warn');
    await page.waitForFunction(() => document.querySelectorAll('.logs .log-line').length === 3);
  });

  it('say that a session file has none', async () => {
    const session = await openSession();
    await session.bench.supervisor.execute('bench', { do: 'say', text: 'said' });
    const file = join(session.bench.folder, 'session.ndjson');
    writeFileSync(file, await session.exported());
    const page = await openPage(session.inspector.url.split('#')[0] as string);
    await page.locator('input[type=file]').setInputFiles(file);
    await openLogs(page);
    await says(page, '.empty', /A session file has no logs/);
  });

  it('say so when the runtime ends, and keep what they show', async () => {
    const session = await openSession();
    await session.bench.supervisor.execute('bench', { do: 'say', text: 'last words' });
    const page = await openPage(session.inspector.url);
    await openLogs(page);
    await says(page, '.logs .log-line', /last words/);
    await session.inspector.close();
    await says(page, '.logs [role=alert]', /The log cannot be read/);
    expect(await lines(page)).toContain('last words');
  });

  it('have no barrier that axe finds, in light and dark, at any width', async () => {
    const session = await openSession();
    log(
      session,
      'bench',
      recordAt(Date.now(), '[ERROR] no') +
        recordAt(Date.now(), '[WARNING] hm') +
        recordAt(Date.now(), 'x'.repeat(2_000)),
    );
    const page = await openPage(session.inspector.url);
    await says(page, '.pill', /Live/);
    for (const [width, height, colorScheme] of [
      [1_440, 900, 'light'],
      [1_280, 800, 'dark'],
      [1_000, 700, 'light'],
      [390, 800, 'dark'],
    ] as const) {
      await resize(page, colorScheme, width, height);
      if (width < 1_000) await page.getByRole('tab', { name: 'Details', exact: true }).click();
      await openLogs(page);
      await page
        .locator('.log-line')
        .filter({ hasText: /\[ERROR\]/ })
        .click();
      await page.locator('.log-detail').waitFor();
      expect([width, (await overflowOf(page)) <= 0]).toEqual([width, true]);
      expect([width, await barriersOf(page)]).toEqual([width, []]);
    }
  });
});
