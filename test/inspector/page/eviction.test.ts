import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHROMIUM, openPage, rowOf, useBrowser } from './browser.ts';
import { openSession, says } from './session.ts';

describe.skipIf(CHROMIUM === undefined)('the page when room is short', () => {
  useBrowser();

  it('shows who had to go for whom, to both of them and in the lanes, and who waits for whom', async () => {
    const { bench, inspector } = await openSession(['guest'], { capacity: { slots: 1 } });
    const { supervisor } = bench;
    const page = await openPage(inspector.url);
    await says(page, '.supervisor', /running · queue/);
    await supervisor.execute('bench', { do: 'about' });
    await supervisor.execute('guest', { do: 'about' });
    await page.locator('#search').fill('evicting bench for guest');
    await says(page, '.event', /guest.*decision: evict.*evicting bench for guest/);
    await rowOf(page, 'plugin:bench')
      .filter({ hasText: /released · evicted for guest/ })
      .waitFor();
    await page.locator('#search').fill('');
    await rowOf(page, 'plugin:bench').getByText('evicted for guest').click();
    await page.getByRole('tab', { name: 'Why', selected: true }).waitFor();
    await page.getByRole('button', { name: 'This actor' }).click();
    await says(page, '.event', /evicting bench for guest/);
    await page.getByRole('button', { name: 'This actor' }).click();

    await rowOf(page, 'plugin:guest').click();
    await page.getByRole('tab', { name: 'Why' }).click();
    await says(page, '.why li', /Evicting others for it.*it fits once idle plugins are evicted.*Worker 1 of guest/);
    await says(page, '.why-ranks tr', /^benchlast used \d\d:\d\d:\d\d\.\d{3}release$/);
    await says(page, '.why-gone', /^bench is released/);
    await says(page, '.why li', /Granted.*it fits into the free capacity/);

    await rowOf(page, 'plugin:bench').click();
    await says(page, '.why li', /Evicted for guest/);
    // What a mark of a lane says is in the table of the lanes too.
    await page.locator('.pane-lanes').getByRole('button', { name: 'Table' }).click();
    const row = page.locator('.pane-lanes tr').filter({ has: page.getByRole('rowheader', { name: 'bench' }) });
    // First it gave up what is heavy, then, as that was not enough, its worker.
    expect(await row.getByRole('cell').nth(-2).textContent()).toBe('2');

    const caller = new AbortController();
    const never = join(bench.folder, 'never');
    const call = supervisor.execute('guest', { do: 'wait', for: never }, { signal: caller.signal }).catch(() => {});
    await rowOf(page, 'plugin:guest').filter({ hasText: /busy/ }).waitFor();
    const waiting = supervisor.execute('bench', { do: 'about' });
    await says(page, '.why li', /Waiting for capacity.*busy plugins hold the capacity/);
    await says(page, '.why-ranks tr', /^guest1 slotbusy/);
    expect(await page.locator('.why-ranks caption').first().textContent()).toBe('Plugins that hold the capacity');
    caller.abort();
    await Promise.all([call, waiting]);
    await says(page, '.why li', /Granted.*Worker 2 of bench/);
    await rowOf(page, 'plugin:guest')
      .filter({ hasText: /evicted for bench/ })
      .waitFor();
    expect(await rowOf(page, 'plugin:bench').textContent()).not.toContain('evicted');
  });
});
