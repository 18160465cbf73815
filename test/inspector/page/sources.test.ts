import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSession as serveSession } from '../../../src/inspector/server/session-api.ts';
import { endAfterTest } from '../bench.ts';
import { CHROMIUM, openPage, openWay, PAGE_FOLDER, rowOf, useBrowser } from './browser.ts';
import { crash, openSession, says } from './session.ts';

describe.skipIf(CHROMIUM === undefined)('where the page has what it shows from', () => {
  useBrowser();

  it('opens a file that is dropped on it, and says why where it cannot', async () => {
    const session = await openSession();
    await crash(session.bench);
    const content = await session.exported();
    const page = await openPage(session.inspector.url.split('#')[0] as string);
    const drop = (name: string, text: string): Promise<void> =>
      page.evaluate(
        (given) => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([given.text], given.name));
          document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
        },
        { name, text },
      );
    await drop('kept.ndjson', content);
    await says(page, '.pill', /kept\.ndjson/);
    await rowOf(page, 'plugin:bench').filter({ hasText: '✕1' }).waitFor();
    await drop('notes.txt', 'Dear diary');
    await says(page, '[role=alert]', /notes\.txt cannot be opened/);
    await says(page, '.pill', /kept\.ndjson/);
  });

  it('shows a session that is served from a file, also when it is read anew', async () => {
    const session = await openSession();
    await crash(session.bench);
    const file = join(session.bench.folder, 'a session.ndjson');
    writeFileSync(file, await session.exported());
    const served = await serveSession(file, 0, PAGE_FOLDER);
    endAfterTest(() => served.close());
    const page = await openPage(served.url);
    await says(page, '.pill', /a session\.ndjson/);
    await rowOf(page, 'plugin:bench').filter({ hasText: '✕1' }).waitFor();
    await page.reload();
    await says(page, '.pill', /a session\.ndjson/);
    expect(await page.evaluate(() => location.href)).not.toContain('token');
  });

  it('says how much it has missed when it was away for longer than is remembered, and shows what is', async () => {
    const { bench, port, token } = await openSession();
    const way = await openWay(port);
    const page = await openPage(`http://127.0.0.1:${way.port}/#token=${token}`);
    await says(page, '.pill', /Live/);
    way.cut();
    const problem = { file: 'x.json', field: 'name', reason: 'is odd', severity: 'error' } as const;
    bench.runtime.problems.notify(Array.from({ length: 12_000 }, () => problem));
    await says(page, '.pill-dropped', /^[\d,.]+ dropped$/);
    await bench.supervisor.load('bench');
    await rowOf(page, 'plugin:bench').filter({ hasText: /ready/ }).waitFor();
  });

  it('fetches what is too long for a record when it is asked for', async () => {
    const { bench, inspector } = await openSession();
    const page = await openPage(inspector.url);
    await says(page, '.pill', /Live/);
    await bench.supervisor.load('bench', { config: { text: 'long '.repeat(600) } });
    await page.locator('#search').fill('load');
    await page.locator('.event').filter({ hasText: 'LOAD' }).first().click();
    await page.getByRole('tab', { name: 'Event' }).click();
    await page.getByRole('button', { name: /^Fetch all of it/ }).click();
    await says(page, '.details-body pre', /long long long/);
  });
});
