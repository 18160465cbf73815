import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Lane, Stay } from '../../../src/inspector/page/store/model.ts';
import { chartOf } from '../../../src/inspector/record/chart.ts';
import { pluginMachine } from '../../../src/machines/plugin.ts';
import { workerMachine } from '../../../src/machines/worker.ts';
import { violationsOf } from './barriers.ts';
import { CHROMIUM, openPage, useBrowser } from './browser.ts';
import { type Parts, serveParts } from './parts.ts';

/** What the page of the parts offers. */
interface Bench {
  readonly heard: unknown[][];
  showChart(given: unknown): void;
  showLanes(given: unknown): void;
}

let parts: Parts;

const LIFE = 'alive.lifecycle.';
const plugin = chartOf(pluginMachine);
const SERVING = {
  machine: plugin,
  active: [`${LIFE}busy.serving`, 'alive.replacement.none'],
  last: {
    before: [`${LIFE}ready`, 'alive.replacement.none'],
    after: [`${LIFE}busy.serving`, 'alive.replacement.none'],
    event: 'LEASED',
  },
};

async function open(show: 'showChart' | 'showLanes', given: unknown, dark = false): Promise<Page> {
  const colorScheme = dark ? 'dark' : 'light';
  const page = await openPage(parts.url, { viewport: { width: 900, height: 640 }, colorScheme });
  await page.waitForFunction(() => 'bench' in globalThis);
  await page.evaluate(([name, props]) => (globalThis as unknown as { bench: Bench }).bench[name](props), [
    show,
    given,
  ] as const);
  return page;
}

/** The names of the files that a page has loaded. */
const loadedBy = (page: Page): Promise<string[]> =>
  page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));

const heard = (page: Page): Promise<unknown[][]> =>
  page.evaluate(() => (globalThis as unknown as { bench: Bench }).bench.heard);

// What only a whole page has.
const OF_PAGES = ['region', 'page-has-heading-one', 'landmark-one-main'];

describe.skipIf(CHROMIUM === undefined)('in a browser', () => {
  useBrowser();
  beforeAll(async () => {
    parts = await serveParts();
  });
  afterAll(() => parts.close());

  describe.each(['light', 'dark'])('the chart in the %s scheme', (scheme) => {
    it('shows the active states and the last transition at once, without elk, and can be read by all', async () => {
      const page = await open('showChart', SERVING, scheme === 'dark');
      const busy = page.locator(`[data-path="${LIFE}busy"]`);
      await busy.waitFor();
      expect(await busy.getAttribute('data-active')).toBe('true');
      expect(await busy.locator('text').allTextContents()).toEqual(['busy', 'serving']);
      expect(await page.locator('[data-last]').allTextContents()).toEqual(['LEASED']);
      expect((await loadedBy(page)).filter((path) => path.includes('elk') || path.includes('layouts'))).toEqual([]);
      expect(await violationsOf(page, undefined, OF_PAGES)).toEqual([]);
    });
  });

  it('lays out by elk in a worker what was not laid out ahead', async () => {
    const page = await open('showChart', SERVING);
    await page.getByRole('button', { name: 'Open released' }).click();
    await page.locator(`[data-path="${LIFE}released.warm"]`).waitFor();
    expect((await loadedBy(page)).filter((path) => path.includes('elk'))).toEqual([]);
    await page.getByRole('button', { name: 'Open busy' }).click();
    await page.locator(`[data-path="${LIFE}busy.serving"]`).waitFor();
    expect((await loadedBy(page)).some((path) => path.includes('elk'))).toBe(true);
  });

  it('draws nothing of a machine once another is shown, though that has no layout yet', async () => {
    const page = await open('showChart', SERVING);
    const drawn = page.locator('[data-path]');
    await drawn.first().waitFor();
    await page.route(/elk/, (route) => route.abort());
    const text = JSON.stringify(chartOf(workerMachine)).replaceAll('PROCESS.SPAWNED', 'PROCESS.SPAWNED.LATE');
    const machine = JSON.parse(text) as unknown;
    await page.evaluate((props) => (globalThis as unknown as { bench: Bench }).bench.showChart(props), {
      machine,
      active: [],
    });
    await page.getByRole('alert').waitFor();
    expect(await drawn.count()).toBe(0);
  });

  it('walks through the chart by keys alone', async () => {
    const page = await open('showChart', SERVING);
    const busy = page.locator(`[data-path="${LIFE}busy"]`);
    await busy.focus();
    const before = await busy.boundingBox();
    await page.keyboard.press('ArrowDown');
    const focused = page.locator(':focus');
    const path = await focused.getAttribute('data-path');
    expect((await focused.boundingBox())?.y).toBeGreaterThan(before?.y ?? 0);
    await page.keyboard.press('Enter');
    await page.keyboard.press('t');
    expect(await focused.getAttribute('data-edge')).toContain(`${path}>`);
    await page.keyboard.press('Enter');
    const told = await heard(page);
    expect(told[0]).toEqual(['state', path]);
    expect(told[1]?.[0]).toBe('events');
    await page.locator(`[data-path="${LIFE}busy"]`).focus();
    await page.keyboard.press('e');
    await page.locator(`[data-path="${LIFE}busy.draining"]`).waitFor();
  });

  it('pans by dragging, zooms by the wheel, and fits again', async () => {
    const page = await open('showChart', SERVING);
    const drawing = page.locator('.chart-pane > g');
    await page.locator(`[data-path="${LIFE}busy"]`).waitFor();
    await page.getByRole('button', { name: 'Fit' }).click();
    const fitted = await drawing.getAttribute('transform');
    await page.mouse.move(40, 300);
    await page.mouse.down();
    await page.mouse.move(90, 340, { steps: 3 });
    await page.mouse.up();
    expect(await drawing.getAttribute('transform')).not.toBe(fitted);
    expect(await heard(page)).toEqual([]);
    await page.mouse.wheel(0, -300);
    await page.getByRole('button', { name: 'Fit' }).click();
    expect(await drawing.getAttribute('transform')).toBe(fitted);
  });

  it('has all of the chart as a table', async () => {
    const page = await open('showChart', SERVING);
    await page.getByRole('button', { name: 'Table' }).click();
    const rows = page.getByRole('row', { name: /LEASED.*leased.*alive.lifecycle.busy/ });
    expect(await rows.count()).toBeGreaterThan(0);
    expect(await violationsOf(page, undefined, OF_PAGES)).toEqual([]);
  });

  const UNTIL = 1_800_000_000_000;
  const lane = (index: number, stays: readonly Stay[]): Lane => ({
    id: `plugin:p${index}`,
    name: `p${index}`,
    stays,
    memory: [{ at: UNTIL - 20_000, memoryMb: 120 }],
    budgetMb: 256,
    marks: [{ at: UNTIL - 10_000, seq: 5, kind: 'crash' }],
  });
  const FEW = [
    lane(0, [
      { state: 'ready', phase: '', from: UNTIL - 40_000, seq: 1 },
      { state: 'busy', phase: 'serving', from: UNTIL - 30_000, seq: 2 },
      { state: 'crashed', phase: 'backoff', from: UNTIL - 10_000, seq: 3 },
    ]),
    lane(1, [{ state: 'ready', phase: '', from: UNTIL - 50_000, seq: 4 }]),
  ];

  it('sets the time cursor by a click, measures by dragging, and goes back to live', async () => {
    const page = await open('showLanes', { lanes: FEW, until: UNTIL });
    const slider = page.getByRole('slider');
    const box = (await slider.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    await page.mouse.click(box.x + box.width / 2, box.y + 40);
    const [select, cursor] = await heard(page);
    expect(select).toEqual(['select', 'plugin:p0']);
    expect(cursor?.[1]).toBeCloseTo(UNTIL - 50_000 * 0.47, -3);
    await page.mouse.move(box.x + 100, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + 200, box.y + 40, { steps: 4 });
    await page.mouse.up();
    const [, range] = (await heard(page)).at(-1) as [string, { from: number; to: number }];
    expect(range.to - range.from).toBeCloseTo((100 / box.width) * 50_000, -1);
    await page.mouse.move(box.x + box.width / 2, box.y + 40);
    await page.getByRole('tooltip').filter({ hasText: 'busy · serving for 20.0 s' }).waitFor();
    await slider.press('Escape');
    expect(await slider.getAttribute('aria-valuetext')).toBe('live');
    expect(await violationsOf(page, undefined, OF_PAGES)).toEqual([]);
  });

  it('moves the time cursor and chooses lanes by keys, and says where it is', async () => {
    const page = await open('showLanes', { lanes: FEW, until: UNTIL });
    const slider = page.getByRole('slider');
    await slider.press('ArrowLeft');
    const first = Number(await slider.getAttribute('aria-valuenow'));
    await slider.press('Shift+ArrowLeft');
    expect(Number(await slider.getAttribute('aria-valuenow'))).toBeLessThan(first);
    await slider.press('ArrowDown');
    expect((await heard(page)).at(-1)).toEqual(['select', 'plugin:p0']);
    await slider.press('End');
    expect(await slider.getAttribute('aria-valuetext')).toBe('live');
  });

  it('has the lanes as a table', async () => {
    const page = await open('showLanes', { lanes: FEW, until: UNTIL }, true);
    await page.getByRole('button', { name: 'Table' }).click();
    expect(await page.getByRole('row', { name: /^p0/ }).allInnerTexts()).toEqual([
      expect.stringMatching(/crashed · backoff.*10\.0 s.*20\.0 s.*10\.0 s/),
    ]);
    expect(await violationsOf(page, undefined, OF_PAGES)).toEqual([]);
  });

  it('puts only the names of the lanes in sight into the page', async () => {
    const lanes = Array.from({ length: 1000 }, (_, index) => lane(index, FEW[0]?.stays ?? []));
    const page = await open('showLanes', { lanes, until: UNTIL });
    expect(await page.locator('.lanes-names li').count()).toBeLessThan(30);
    await page.locator('.lanes-scroll').evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await page.getByRole('button', { name: 'p999' }).waitFor();
  });
});
