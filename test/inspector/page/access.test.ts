import { describe, expect, it } from 'vitest';
import { eventText } from '../../../src/inspector/page/store/format.ts';
import { barriersOf, overflowOf } from './barriers.ts';
import { CHROMIUM, openPage, rowOf, useBrowser } from './browser.ts';
import { crash, openSession, says } from './session.ts';

describe.skipIf(CHROMIUM === undefined)('the page for everybody', () => {
  useBrowser();

  it('is used by the keyboard alone: actors, events and what of them is left out', async () => {
    const { bench, inspector } = await openSession();
    await bench.supervisor.load('bench');
    const page = await openPage(inspector.url);
    await says(page, '.pill', /Live/);
    /** Goes on with Tab until this has the focus. */
    const tabTo = async (selector: string): Promise<void> => {
      for (let n = 0; n < 60; n += 1) {
        await page.keyboard.press('Tab');
        if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
      }
      throw new Error(`Tab never leads to ${selector}.`);
    };
    for (const selector of ['.chip-busy', '#search', '[aria-label=Instant]']) await tabTo(selector);
    await tabTo('.pane-actors .virtual');
    const selected = page.locator('[aria-selected=true][data-actor]');
    await page.keyboard.press('ArrowDown');
    expect(await selected.getAttribute('data-actor')).toBe('scheduler');
    await page.keyboard.press('ArrowUp');
    expect(await selected.getAttribute('data-actor')).toBe('supervisor');
    await tabTo('.pane-events .virtual');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    const current = page.locator('.event[aria-current]');
    const type = (await current.locator('.event-type').getAttribute('title')) ?? '';
    await says(page, '.pill', /Paused/);
    await page.keyboard.press('Delete');
    await says(page, '.filter', new RegExp(eventText(type)));
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Escape');
    await says(page, '.pill', /Live/);
    for (const selector of ['.details-body', '.pane-lanes [tabindex="0"]', '.pane-actors select'])
      await tabTo(selector);
  });

  it('has no barrier that axe finds, in light and dark, narrow, without motion, and at 200%', async () => {
    const { bench, inspector } = await openSession();
    await crash(bench);
    for (const options of [
      { colorScheme: 'light', reducedMotion: 'no-preference' },
      { colorScheme: 'dark', reducedMotion: 'no-preference' },
      { colorScheme: 'light', reducedMotion: 'reduce', viewport: { width: 620, height: 800 } },
      {
        colorScheme: 'dark',
        viewport: { width: 720, height: 450 },
        deviceScaleFactor: 2,
        reducedMotion: 'no-preference',
      },
    ] as const) {
      const page = await openPage(inspector.url, options);
      await says(page, '.pill', /Live/);
      await rowOf(page, 'plugin:bench').click();
      const isNarrow = 'viewport' in options;
      for (const pane of isNarrow ? ['Events', 'Details', 'Lanes', 'Plugins'] : ['']) {
        if (pane !== '') await page.getByRole('tab', { name: pane, exact: true }).click();
        if (pane === '' || pane === 'Details') await page.getByRole('tab', { name: 'Crash' }).click();
        expect([options, pane, (await overflowOf(page)) <= 0]).toEqual([options, pane, true]);
        // The same was looked at in the panes of a narrow page.
        if ('deviceScaleFactor' in options && pane !== 'Details') continue;
        expect([options, pane, await barriersOf(page)]).toEqual([options, pane, []]);
      }
    }
  });
});
