// What the page of the inspector shows of plugins whose names steer text.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { openBenchJobs } from '../bench.ts';
import { CHROMIUM, openPage, useBrowser } from './browser.ts';
import { crash, openSession, says } from './session.ts';

const NAME = 'a\u202eb';

/** The texts of the page's elements in which the name stands outside of an isolated part. */
const turnedBy = (page: Page, name: string): Promise<string[]> =>
  page.evaluate((given) => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found: string[] = [];
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const text = node.textContent ?? '';
      const isolated = node.parentElement?.closest('bdi, pre, code, option, script') !== null;
      if (text.includes(given) && !isolated && !new RegExp(`\u2068[^\u2069]*${given}[^\u2069]*\u2069`).test(text))
        found.push(text);
    }
    return found;
  }, name);

describe.skipIf(CHROMIUM === undefined)('the page of the inspector', () => {
  useBrowser();

  it('isolates the name of a plugin that turns text around, so that its own words stay as they are', async () => {
    const { bench, inspector } = await openSession([NAME], { control: true });
    await crash(bench, NAME);
    const page = await openPage(inspector.url);
    const row = page.locator(`[data-actor="plugin:${NAME}"]`);
    await row.click();
    await says(page, '.details-name', /a.b/);
    expect(await row.locator('bdi').textContent()).toBe(NAME);
    expect(await page.locator('.details-name bdi').textContent()).toBe(NAME);
    expect(await turnedBy(page, NAME)).toEqual([]);
    for (const tab of ['Chart', 'Logs', 'Calls', 'Why', 'Crash']) {
      await page.getByRole('tab', { name: tab, exact: true }).click();
      expect(await turnedBy(page, NAME), tab).toEqual([]);
    }
    const jobs = await openBenchJobs(bench);
    const failed = await jobs.add(NAME, { do: 'fail' });
    await failed.result().catch(() => {});
    bench.supervisor.disable(NAME);
    await jobs.add(NAME, {});
    await page.getByRole('tab', { name: 'Jobs' }).click();
    await says(page, '.queues', /disabled/);
    expect(await turnedBy(page, NAME), 'queues').toEqual([]);
    await page.locator(`[data-job="${failed.id}"]`).click();
    await says(page, '.job .jobs-fault', /out of range/);
    expect(await turnedBy(page, NAME), 'job').toEqual([]);
    await page.getByRole('tab', { name: 'Why' }).click();
    await page.getByRole('button', { name: 'Sequence diagram' }).first().click();
    await page.getByText('The same as text').click();
    expect(await turnedBy(page, NAME), 'sequence').toEqual([]);
  });
});
