import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspect } from '../bench.ts';
import { CHROMIUM, openPage, rowOf, useBrowser } from './browser.ts';
import { crash, openSession, says } from './session.ts';

describe.skipIf(CHROMIUM === undefined)('the first screen', () => {
  useBrowser();

  it('says that nothing is wrong, then what is, as links to the instant; and so does a session file', async () => {
    const { bench, inspector, exported } = await openSession();
    const page = await openPage(inspector.url);
    await says(page, '.strip-title', /^Nothing is wrong$/);
    await crash(bench);
    const alert = page.locator('.alert');
    await alert.filter({ hasText: /bench crashed \d\d:\d\d:\d\d/ }).waitFor();
    await says(page, '.strip-title', /^1 alert$/);
    await rowOf(page, 'plugin:bench')
      .filter({ hasText: /✕1 E_CRASHED/ })
      .waitFor();
    await alert.focus();
    await page.keyboard.press('Enter');
    await says(page, '.pill', /Paused/);
    await rowOf(page, 'plugin:bench').and(page.locator('[aria-selected=true]')).waitFor();
    await says(page, '.pane-details .tag', /crashed/);
    await says(page, '.crash-title', /E_CRASHED/);
    expect(await page.locator('.event[aria-current] [title=crash]').count()).toBe(1);
    const file = join(bench.folder, 'kept.ndjson');
    writeFileSync(file, await exported());
    await page.locator('input[type=file]').setInputFiles(file);
    await says(page, '.pill', /kept/);
    await says(page, '.alert', /bench crashed/);
  });

  it('names the slow call and what is usual, and leads to it while it runs and later, past those that wait behind it', async () => {
    const { bench, inspector } = await openSession();
    const { supervisor, folder } = bench;
    for (let n = 0; n < 3; n += 1) await supervisor.execute('bench', { value: n });
    const page = await openPage(inspector.url);
    await says(page, '.strip-title', /^Nothing is wrong$/);
    const file = join(folder, 'file');
    const culprit = supervisor.execute('bench', { do: 'wait', for: file, value: 'culprit' });
    const victims = [1, 2, 3].map(() => supervisor.execute('bench', { value: 'victim' }));
    const alert = page.locator('.alert');
    await alert.filter({ hasText: /bench execute has run for over \d+ s, usually .* ms \d\d:\d\d:\d\d/ }).click();
    await says(page, '.call-title', /bench · execute runs/);
    await says(page, '.call .code', /"culprit"/);
    writeFileSync(file, '');
    await Promise.all([culprit, ...victims]);
    await rowOf(page, 'supervisor').click();
    await page.keyboard.press('Space');
    await says(page, '.pill', /Paused/);
    await alert.filter({ hasText: /bench execute ran \d.* s, usually .* ms/ }).click();
    await says(page, '.pill', /Live/);
    await says(page, '.call-title', /bench · execute went well/);
    await says(page, '.call .code', /"culprit"/);
    expect(await alert.count()).toBe(1);
  });

  it('leads from a manifest that cannot be used to what is wrong with it', async () => {
    const { bench, inspector } = await openSession();
    const page = await openPage(inspector.url);
    await says(page, '.strip-title', /Nothing is wrong/);
    writeFileSync(join(bench.folder, 'plugins', 'broken.json'), '{');
    await bench.supervisor.discover();
    await page.locator('.alert', { hasText: 'broken.json manifest' }).click();
    await says(page, '.details-body', /"kind": "problem"/);
  });

  it('has an overview of the plugins, workers folded into theirs, and eight lanes in sight; one that is selected is', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `plugin-${index + 10}`);
    const { bench, inspector } = await openSession(names);
    await bench.supervisor.load('bench');
    const page = await openPage(inspector.url);
    await rowOf(page, 'plugin:bench')
      .filter({ hasText: /ready.*\d+ MiB/s })
      .waitFor();
    const lanes = page.locator('.lanes-names li');
    await lanes.first().waitFor();
    const inSight = async (): Promise<string[]> => {
      const box = await page.locator('.lanes-scroll').boundingBox();
      const all = await lanes.all();
      const seen = [];
      for (const lane of all) {
        const own = await lane.boundingBox();
        if (own !== null && box !== null && own.y >= box.y && own.y + own.height <= box.y + box.height + 1)
          seen.push(await lane.innerText());
      }
      return seen;
    };
    await expect.poll(async () => (await inSight()).length).toBeGreaterThanOrEqual(8);
    expect(await inSight()).not.toContain('plugin-29');
    await page.locator('#search').fill('plugin-29');
    await rowOf(page, 'plugin:plugin-29').click();
    await page.locator('#search').fill('');
    await expect.poll(inSight).toContain('plugin-29');
    await page.locator('.pane-actors .virtual').focus();
    await page.evaluate(() => {
      location.hash = '#actor=plugin%3Abench';
    });
    await rowOf(page, 'plugin:bench').and(page.locator('[aria-selected=true]')).waitFor();
    await page.keyboard.press('ArrowRight');
    await rowOf(page, 'worker:bench#1').waitFor();
    expect(await rowOf(page, 'plugin:bench').getAttribute('aria-expanded')).toBe('true');
    await page.keyboard.press('j');
    await rowOf(page, 'worker:bench#1').and(page.locator('[aria-selected=true]')).waitFor();
    await page.keyboard.press('ArrowLeft');
    await rowOf(page, 'plugin:bench').and(page.locator('[aria-selected=true]')).waitFor();
    expect(await rowOf(page, 'worker:bench#1').count()).toBe(0);
  });

  it('has all tabs of the details in sight, however many and narrow, and what is cut of the header in a title', async () => {
    const { bench, inspector } = await openSession();
    await crash(bench);
    const page = await openPage(inspector.url);
    await rowOf(page, 'plugin:bench').click();
    // At an instant of the past there is one tab more.
    await page.getByRole('button', { name: 'Pause' }).click();
    for (const width of [1_440, 1_280, 1_000, 390]) {
      await page.setViewportSize({ width, height: 900 });
      if (width < 1_000) await page.getByRole('tab', { name: 'Details', exact: true }).click();
      const tabs = page.getByRole('tablist', { name: 'Details' });
      await tabs.getByRole('tab').nth(9).waitFor();
      const cut = await tabs.evaluate((row) => {
        const { right } = row.getBoundingClientRect();
        return [...row.children]
          .filter((tab) => tab.getBoundingClientRect().right > right)
          .map((tab) => tab.textContent);
      });
      expect([width, cut]).toEqual([width, []]);
      // Where there is room for all in one row, they have one.
      const rows = await tabs.evaluate((row) => row.clientHeight / 30);
      if (width > 1_000) expect(rows).toBeLessThan(1.5);
      expect(await page.locator('.connection').getAttribute('title')).toMatch(
        /^running · permissive · \d workers? · .*data in/,
      );
    }
  });

  it('writes every label of a chart at 11 pixels or more, and has a table of the states where it is narrow', async () => {
    const { bench, inspector } = await openSession();
    await bench.supervisor.load('bench');
    for (const width of [1_440, 1_280, 1_000]) {
      const page = await openPage(inspector.url, { viewport: { width, height: 900 } });
      await rowOf(page, 'plugin:bench').click();
      await page.getByRole('tab', { name: 'Chart' }).click();
      await page.locator('.chart-label text').first().waitFor();
      const sizes = await page.locator('.chart-pane text').evaluateAll((texts) =>
        texts.map((text) => {
          const { a } = (text as SVGTextElement).getScreenCTM() as DOMMatrix;
          return Number.parseFloat(getComputedStyle(text).fontSize) * a;
        }),
      );
      expect([width, Math.min(...sizes) >= 11]).toEqual([width, true]);
      // It fits beside the rest of the page.
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
    }
    const page = await openPage(inspector.url, { viewport: { width: 390, height: 800 } });
    await rowOf(page, 'plugin:bench').click();
    await page.getByRole('tab', { name: 'Details', exact: true }).click();
    await page.getByRole('tab', { name: 'Chart' }).click();
    await page.locator('.chart-table').waitFor();
    expect(await page.locator('.chart-pane').count()).toBe(0);
  });

  it('has the events in words, and what goes on inside XState behind a switch', async () => {
    const { bench, inspector } = await openSession();
    const page = await openPage(inspector.url);
    await says(page, '.pill', /Live/);
    await bench.supervisor.execute('bench', { do: 'about' });
    await says(page, '.event', /worker ready/);
    const types = async (): Promise<string[]> => page.locator('.event-type').allInnerTexts();
    expect((await types()).join()).not.toMatch(/WORKER|xstate/);
    const before = Number(await page.locator('.pane-events .count').innerText());
    await page.getByRole('button', { name: 'Internal' }).click();
    await says(page, '.event', /WORKER\.READY/);
    expect(Number(await page.locator('.pane-events .count').innerText())).toBeGreaterThan(before);
  });

  it('copies a link to what is shown, without the token', async () => {
    const { inspector, token } = await openSession();
    const page = await openPage(inspector.url);
    await rowOf(page, 'plugin:bench').click();
    await page.keyboard.press('c');
    await page.getByRole('button', { name: 'Copy link' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    expect(link).toMatch(/#actor=plugin%3Abench&tab=chart$/);
    expect(link).not.toContain(token);
  });
});

describe.skipIf(CHROMIUM === undefined)('the rates', () => {
  useBrowser();

  it('are sparklines of the rows in sight, with the memory of all against the capacity', async () => {
    const { bench, inspector } = await openSession(
      Array.from({ length: 60 }, (_, index) => `plugin-${index + 10}`),
      { capacity: { ramMb: 4_096 }, policy: 'permissive' },
    );
    const page = await openPage(inspector.url);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await bench.supervisor.execute('bench', { do: 'about' });
    await bench.supervisor.execute('bench', { do: 'fail' }).catch(() => {});
    const row = rowOf(page, 'plugin:bench');
    // One that is level has no height, and so is not seen as the browser counts it.
    for (const cell of ['memory', 'cpu', 'calls', 'errors'])
      await row.locator(`.actor-cell-${cell} .spark path[d*="L"]`).waitFor({ state: 'attached' });
    await row.locator('.actor-cell-errors', { hasText: /^1 in 2 min$/ }).waitFor();
    await says(page, '.actor-heads .actor-cell-memory', /^Memory\d+ MiB \/ 4\.0 GiB$/);
    expect(asked.some((url) => url.includes('plugin=bench'))).toBe(true);
    expect(asked.some((url) => url.includes('plugin=plugin-69'))).toBe(false);
  });
});

describe.skipIf(CHROMIUM === undefined)('a page that is cut off', () => {
  useBrowser();

  it('says that the runtime was restarted and how to get the new link, and of when its state is', async () => {
    const { bench, inspector, port } = await openSession();
    await bench.supervisor.load('bench');
    const page = await openPage(inspector.url);
    await rowOf(page, 'plugin:bench').filter({ hasText: /ready/ }).waitFor();
    await inspector.close();
    await says(page, '.strip-cut', /^The runtime has ended\. This is its state at \d\d:\d\d:\d\d, when/);
    expect(await page.locator('.app').getAttribute('data-ended')).toBe('true');
    await rowOf(page, 'plugin:bench').filter({ hasText: /ready/ }).waitFor();
    await inspect(bench.inspected, { port });
    await says(page, '.strip-cut', /was restarted\. Open the link that greenroom dev, greenroom serve or .* gives now/);
  });
});
