import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { barriersOf } from './barriers.ts';
import { CHROMIUM, openPage, rowOf, useBrowser } from './browser.ts';
import { crash, openSession, says } from './session.ts';

describe.skipIf(CHROMIUM === undefined)('the process of a plugin', () => {
  useBrowser();

  it('says which call runs and how far it is, among quick ones, and leads to it', async () => {
    const { bench, inspector } = await openSession();
    bench.write('many', { max_concurrency: 20 });
    await bench.supervisor.discover();
    const caller = new AbortController();
    const { signal } = caller;
    const never = join(bench.folder, 'never');
    const long = bench.supervisor.execute('many', { do: 'wait', for: never }, { signal }).catch(() => {});
    const quick = async (): Promise<void> => {
      while (!signal.aborted) await bench.supervisor.execute('many', { do: 'pause', ms: 20 });
    };
    const others = Promise.all(Array.from({ length: 10 }, quick));
    const page = await openPage(inspector.url);
    await rowOf(page, 'plugin:many').click();
    await page.getByRole('tab', { name: 'Process' }).click();
    const running = page.locator('.facts > div', { hasText: 'Running now' });
    await running.filter({ hasText: /execute running for .* · 0 % · waiting/ }).waitFor();
    await running.getByRole('button').first().click();
    await says(page, '.call-row[aria-current=true]', /0 % waiting/);
    caller.abort();
    await Promise.all([long, others]);
  });

  it('says in its row which call has run for longest and how far that is, in the present and as long as it runs', async () => {
    const { bench, inspector } = await openSession();
    bench.write('many', { max_concurrency: 3 });
    await bench.supervisor.discover();
    const page = await openPage(inspector.url);
    const row = rowOf(page, 'plugin:many');
    const file = join(bench.folder, 'file');
    // It turns no word of the row around.
    const message = `never cut \u202e${'in the title '.repeat(9)}`.slice(0, 100);
    const first = bench.supervisor.execute('many', { do: 'report-and-wait', for: file, message });
    await row.getByText('busy · \u2068execute 50 % · never cut').waitFor();
    const others = [1, 2].map(() => bench.supervisor.execute('many', { do: 'wait', for: file }));
    const line = row.getByText('busy · \u2068execute 50 % +2 · never cut');
    await line.click();
    await page.getByRole('tab', { name: 'Calls', selected: true }).waitFor();
    expect(await line.getAttribute('title')).toBe(`busy · serving · \u2068execute 50 % +2 · ${message}\u2069`);
    await page.getByRole('button', { name: 'Pause' }).click();
    await row.getByText('busy · serving', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await line.waitFor();
    writeFileSync(file, '');
    await Promise.all([first, ...others]);
    await row.getByText('ready', { exact: true }).waitFor();
  });

  it('says what it needs, also of its memory, and for whom it was evicted, once it is loaded again too', async () => {
    const resources = { min_system_ram_mb: 64 };
    const { bench, inspector } = await openSession(['guest'], { capacity: { ramMb: 100 } });
    for (const name of ['host', 'other']) bench.write(name, { resources });
    await bench.supervisor.discover();
    for (const name of ['host', 'other', 'host']) await bench.supervisor.execute(name, { do: 'about' });
    const page = await openPage(inspector.url);
    await rowOf(page, 'plugin:host').click();
    await page.getByRole('tab', { name: 'Process' }).click();
    const fact = (name: string) => page.locator('.facts > div').filter({ has: page.getByText(name, { exact: true }) });
    await fact('Needs')
      .filter({ hasText: /\d+ MiB of RAM and 1 slot/ })
      .waitFor();
    await fact('Memory')
      .filter({ hasText: /\d+ \/ \d+ MiB/ })
      .waitFor();
    const eviction = fact('Last eviction');
    await eviction.filter({ hasText: /ago, for other: it fits once idle plugins are evicted/ }).waitFor();
    expect(await rowOf(page, 'plugin:host').textContent()).not.toContain('evicted');
    await eviction.getByRole('button').click();
    await says(page, '.pill', /Paused/);
    await rowOf(page, 'plugin:host')
      .filter({ hasText: /evicted for other/ })
      .waitFor();
  });

  it('shows the latest lines of what it printed before it crashed, with the earlier ones above', async () => {
    const { bench, inspector } = await openSession();
    for (let n = 0; n < 60; n += 1) await bench.supervisor.execute('bench', { do: 'say', text: `line ${n}` });
    await crash(bench);
    const page = await openPage(inspector.url);
    await rowOf(page, 'plugin:bench').click();
    for (const tab of ['Crash', 'Process']) {
      await page.getByRole('tab', { name: tab }).click();
      const output = page.getByRole('region', { name: 'Last lines of its output' });
      await output.filter({ hasText: /line 59/ }).waitFor();
      const { top, beyond } = await output.evaluate(({ scrollTop, scrollHeight, clientHeight }) => ({
        top: scrollTop,
        beyond: scrollHeight - clientHeight - scrollTop,
      }));
      expect(top).toBeGreaterThan(100);
      expect(beyond).toBeLessThan(2);
      expect(await barriersOf(page, '.pane-details')).toEqual([]);
    }
  });
});
