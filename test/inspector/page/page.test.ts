import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../eventually.ts';
import { inspect, Reader } from '../bench.ts';
import { CHROMIUM, openPage, openWay, PAGE_FOLDER, rowOf, useBrowser } from './browser.ts';
import { parseSession } from './replay.ts';
import { crash, openSession, says } from './session.ts';

describe.skipIf(CHROMIUM === undefined)('the page of the inspector', () => {
  useBrowser();

  it('shows supervisor, actors, chart, events and details as they change, and keeps the token out of the address', async () => {
    const { bench, inspector } = await openSession(['other']);
    const page = await openPage(inspector.url);
    await says(page, '.pill', /^Live$/);
    await says(page, '.supervisor', /running · permissive/);
    await rowOf(page, 'plugin:bench').click();
    await bench.supervisor.execute('bench', { do: 'about' });
    await rowOf(page, 'plugin:bench').filter({ hasText: /ready/ }).waitFor();
    // Workers are folded into their plugin.
    expect(await rowOf(page, 'worker:bench#1').count()).toBe(0);
    await page.getByRole('button', { name: 'Show 1 worker of bench' }).click();
    await rowOf(page, 'worker:bench#1').filter({ hasText: /up/ }).waitFor();
    await says(page, '.chip-ready', /1/);
    await says(page, '.event', /worker ready.*ready/);
    await says(page, '.pane-details .tag', /ready/);
    await page.getByRole('tab', { name: 'Chart' }).click();
    await page.locator('.chart-pane[aria-label*="alive.lifecycle.ready"]').waitFor();
    await page.keyboard.press('[');
    await page.waitForFunction(() => /^#actor=plugin%3Abench&tab=chart&at=\d+$/.test(location.hash));
    const at = await page.locator('[aria-label=Instant]').inputValue();
    await page.reload();
    await rowOf(page, 'plugin:bench').and(page.locator('[aria-selected=true]')).waitFor();
    await says(page, '.pill', /Paused/);
    expect(await page.locator('[aria-label=Instant]').inputValue()).toBe(at);
    expect(await page.title()).toBe('Greenroom');
    expect(await page.locator('.actor img, .details-body img').count()).toBe(0);
  });

  it('shows a crash that was before it was opened, with what came before it, and gives it as Markdown', async () => {
    const { bench, inspector } = await openSession();
    await crash(bench);
    const page = await openPage(inspector.url);
    await rowOf(page, 'plugin:bench').click();
    await page.getByRole('tab', { name: 'Crash' }).click();
    await says(page, '.crash-title', /E_CRASHED/);
    await says(page, '.crash', /exit code 3/);
    await page.getByRole('button', { name: 'Copy as Markdown' }).click();
    await says(page, '.crash', /Copied/);
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toMatch(/^## bench crashed: E_CRASHED\n/);
    expect(copied).toMatch(/crash {2}E_CRASHED/);
    await page.getByRole('button', { name: 'Show everything at the crash' }).click();
    await page.keyboard.press('c');
    await page.locator('.chart-pane[aria-label*="alive.lifecycle.crashed"]').waitFor();
    await says(page, '.pane-details .tag', /crashed/);
  });

  it('has a key for each command', async () => {
    const { bench, inspector } = await openSession(['one']);
    const page = await openPage(inspector.url);
    await says(page, '.pill', /Live/);
    await bench.supervisor.execute('bench', { do: 'about' });
    const { keyboard } = page;
    const selected = (): Promise<string | null> =>
      page.locator('[aria-selected=true][data-actor]').getAttribute('data-actor');
    expect(await selected()).toBe('supervisor');
    await keyboard.press('j');
    await keyboard.press('j');
    expect(await selected()).toBe('plugin:bench');
    await says(page, '.pane-details .tag', /ready/);
    await keyboard.press('[');
    await says(page, '.pill', /Paused/);
    const last = await page.locator('input[aria-label=Instant]').inputValue();
    await keyboard.press('[');
    await says(page, '.pane-details .tag', /spawning|busy/);
    await keyboard.press(']');
    expect(await page.locator('input[aria-label=Instant]').inputValue()).toBe(last);
    await keyboard.press('Escape');
    await says(page, '.pill', /Live/);
    await keyboard.press(' ');
    await says(page, '.pill', /Paused/);
    await keyboard.press(' ');
    await says(page, '.pill', /Live/);
    const follow = page.locator('.pane-events').getByRole('button', { name: 'Follow' });
    await keyboard.press('f');
    expect(await follow.getAttribute('aria-pressed')).toBe('false');
    await keyboard.press('f');
    await keyboard.press('3');
    expect(await page.locator('.chip-ready').getAttribute('aria-pressed')).toBe('true');
    expect(await page.locator('.actor').count()).toBe(1);
    await keyboard.press('3');
    for (const key of ['1', '2', '4', '5', '6']) await keyboard.press(key);
    expect(await page.locator('.chip[aria-pressed=true]').count()).toBe(5);
    for (const key of ['1', '2', '4', '5', '6']) await keyboard.press(key);
    await keyboard.press('c');
    await page.getByRole('button', { name: 'Open all' }).waitFor();
    await keyboard.press('e');
    await page.getByRole('button', { name: 'Close all' }).waitFor();
    await keyboard.press('/');
    await keyboard.type('k j 1');
    expect(await page.locator('#search').inputValue()).toBe('k j 1');
    await page.locator('#search').fill('');
    await keyboard.press('Escape');
    await keyboard.press('k');
    expect(await selected()).toBe('scheduler');
    await keyboard.press('?');
    await page.locator('dialog.help[open]').waitFor();
    await keyboard.press('Escape');
    await page.locator('dialog.help:not([open])').waitFor({ state: 'hidden' });
    await says(page, '.pill', /Live/);
  });

  it('finds actors and events by name, state, event and error, says when there is none, and filters events', async () => {
    const { bench, inspector } = await openSession(['zebra']);
    const page = await openPage(inspector.url);
    await says(page, '.pill', /Live/);
    await crash(bench);
    await says(page, '.event', /E_CRASHED/);
    const search = page.locator('#search');
    const found = async (query: string): Promise<string[]> => {
      await search.fill(query);
      return page
        .locator('.actor')
        .evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset['actor'] ?? ''));
    };
    expect(await found('ZEB')).toEqual(['plugin:zebra']);
    expect(await found('worker.ready')).toContain('plugin:bench');
    expect(await found('exited with status 3')).toEqual(['plugin:bench']);
    expect(await found('launching')).toEqual(['plugin:bench']);
    expect(await found('nothing like it')).toEqual([]);
    await says(page, '.pane-actors .empty', /nothing contains “nothing like it”/);
    await says(page, '.pane-events .empty', /nothing contains/);
    await page.locator('.pane-actors .empty button').click();
    await page.getByRole('button', { name: 'Errors' }).click();
    await says(page, '.event', /crash/);
    expect(await page.locator('.event[data-error=false]').count()).toBe(0);
    await page.getByRole('button', { name: 'Errors' }).click();
    await page.getByRole('button', { name: 'Transitions', exact: true }).click();
    const row = page.locator('.event').filter({ hasText: 'worker ready' }).first();
    await row.hover();
    await row.getByRole('button', { name: 'Hide worker ready' }).click();
    expect(await page.locator('.event').filter({ hasText: 'worker ready' }).count()).toBe(0);
    await page.locator('.filter').click();
    await page.locator('.event').filter({ hasText: 'worker ready' }).first().click();
    await page.getByRole('tab', { name: 'Event' }).waitFor();
    await says(page, '.details-body', /"event": "WORKER\.READY"/);
  });

  it('says why the scheduler gave room', async () => {
    const { bench, inspector } = await openSession();
    const page = await openPage(inspector.url);
    await rowOf(page, 'plugin:bench').click();
    await page.getByRole('tab', { name: 'Why' }).click();
    await says(page, '.details-body', /No decisions/);
    await bench.supervisor.execute('bench', { do: 'about' });
    await says(page, '.why li', /Granted.*Worker 1 of bench asked for/);
  });

  it('exports a session that it opens again without a server', async () => {
    const { bench, inspector } = await openSession();
    const page = await openPage(inspector.url);
    await says(page, '.pill', /Live/);
    await crash(bench);
    await rowOf(page, 'plugin:bench').filter({ hasText: '✕1' }).waitFor();
    const save = async (name: string): Promise<string> => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Export' }).click(),
      ]);
      const file = join(bench.folder, name);
      await download.saveAs(file);
      return file;
    };
    const full = await save('full.ndjson');
    const other = await openPage(inspector.url.split('#')[0] as string, { colorScheme: 'dark' });
    await says(other, 'h1', /Nothing to show yet/);
    await bench.supervisor.stop();
    await says(page, '.supervisor', /^stopped/);
    await inspector.close();
    await says(page, '.pill', /Runtime ended: data kept/);
    await page.getByRole('button', { name: 'Show the time before' }).click();
    await rowOf(page, 'plugin:bench').getByText('✕1').click();
    await page.getByRole('tab', { name: 'Crash', selected: true }).waitFor();
    const kept = await save('kept.ndjson');
    for (const file of [full, kept]) {
      await other.locator('input[type=file]').setInputFiles(file);
      await says(other, '.pill', new RegExp(file.endsWith('full.ndjson') ? 'full' : 'kept'));
      if (file === kept) await other.getByRole('button', { name: 'Show the time before' }).click();
      await rowOf(other, 'plugin:bench').filter({ hasText: '✕1' }).waitFor();
    }
    const broken = join(bench.folder, 'broken.ndjson');
    writeFileSync(broken, 'no session');
    await other.locator('input[type=file]').setInputFiles(broken);
    await says(other, '[role=alert]', /broken\.ndjson cannot be opened: This is not a Greenroom session/);
    await says(other, '.pill', /kept/);
  });

  it('says when too many pages are open and goes on when one is closed, and when the runtime has another address', async () => {
    const { bench, inspector, port, token } = await openSession();
    const others = Array.from({ length: 8 }, () => new Reader(port, token));
    await Promise.all(others.map((other) => other.sync()));
    const page = await openPage(inspector.url);
    await says(page, 'h1', /Too many pages are open/);
    await Promise.all(others.map((other) => other.leave()));
    await says(page, '.pill', /Live/);
    await bench.supervisor.execute('bench', { do: 'fail' }).catch(() => {});
    await says(page, '.event', /E_REMOTE after \d+ ms · /);
    // By time, in which most of the bar may be empty.
    const bar = page.locator('[aria-label=Instant]');
    expect(Number(await bar.getAttribute('max'))).toBeGreaterThan(Date.UTC(2020));
    await bar.focus();
    await page.keyboard.press('ArrowLeft');
    await says(page, '.pill', /Paused/);
    // What was recorded meanwhile is stepped over too.
    await eventually(async () => {
      await page.keyboard.press('ArrowRight');
      expect(await page.locator('.pill').textContent()).toMatch(/Live/);
    });
    await inspector.close();
    await inspect(bench.inspected, { port });
    await says(page, '.pill', /Runtime restarted/);
  });

  it('comes back twenty times without losing a record or taking one twice', async () => {
    const session = await openSession();
    const { bench, inspector, port, token } = session;
    const way = await openWay(port);
    const page = await openPage(`http://127.0.0.1:${way.port}/#token=${token}`);
    await says(page, '.pill', /Live/);
    for (let time = 0; time < 20; time += 1) {
      way.cut();
      await bench.supervisor.execute('bench', { do: 'about' });
      await says(page, '.pill', /Reconnecting|Live/);
      await page.waitForFunction(
        (seq) => {
          const text = document.querySelector('[aria-label=Instant]')?.getAttribute('aria-valuetext') ?? '';
          return Number(/record (\d+)/.exec(text)?.[1]) >= seq;
        },
        (await session.snapshot()).seq,
      );
    }
    await says(page, '.pill', /Live/);
    await inspector.close();
    way.cut();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export' }).click(),
    ]);
    const { records } = parseSession(readFileSync(await download.path(), 'utf8'));
    const seqs = records.map(({ seq }) => seq);
    const first = seqs[0] as number;
    expect(seqs).toEqual(seqs.map((_, index) => first + index));
    expect(await page.locator('.pill-dropped').count()).toBe(0);
  });

  it('acts on a plugin only where that is allowed, and when it is confirmed', async () => {
    const closed = await openSession();
    const watching = await openPage(closed.inspector.url);
    await rowOf(watching, 'plugin:bench').click();
    expect(await watching.getByLabel('Act on bench').count()).toBe(0);
    const { bench, inspector, exported } = await openSession([], { control: true });
    const page = await openPage(inspector.url);
    await rowOf(page, 'plugin:bench').click();
    // Again and again, since who is asked anew at once must be asked.
    for (let n = 0; n < 8; n += 1) {
      await page.getByLabel('Act on bench').selectOption('load');
      await page.getByRole('button', { name: 'No', exact: true }).click();
    }
    expect(bench.supervisor.plugin('bench').snapshot().state).toBe('discovered');
    const { supervisor } = bench;
    const act = async (action: string, button: string): Promise<void> => {
      await page.getByLabel('Act on bench').selectOption(action);
      await page.getByRole('dialog').getByRole('button', { name: button }).click();
      await says(page, '.event', new RegExp(`inspector: ${action}.*done`));
    };
    await act('load', 'Load');
    expect(supervisor.plugin('bench').snapshot()).toMatchObject({ state: 'ready', generation: 1 });
    await act('restart', 'Restart');
    expect(supervisor.plugin('bench').snapshot()).toMatchObject({ state: 'ready', generation: 2 });
    const call = supervisor.execute('bench', { do: 'wait', for: join(bench.folder, 'never') });
    const ended = expect(call).rejects.toMatchObject({ code: 'E_CANCELLED' });
    await rowOf(page, 'plugin:bench').filter({ hasText: /busy/ }).waitFor();
    await act('cancel', 'Cancel calls');
    await ended;
    await act('release', 'Release');
    expect(supervisor.plugin('bench').snapshot().state).toBe('released');
    await act('reset', 'Reset');
    expect(supervisor.plugin('bench').snapshot().state).toBe('ready');
    const { records } = parseSession(await exported());
    const controls = records.filter((record) => record.kind === 'control');
    expect(controls.map(({ action, origin, outcome }) => `${action} ${origin} ${outcome}`)).toEqual(
      ['load', 'restart', 'cancel', 'release', 'reset'].flatMap((action) => [
        `${action} inspector asked`,
        `${action} inspector done`,
      ]),
    );
  });

  it('has only the rows in sight in the document, with a thousand actors', async () => {
    const session = await openSession();
    const { header } = parseSession(await session.exported());
    const [plugin] = header.plugins;
    const actor = header.actors.find(({ machine }) => machine === 'plugin');
    const names = Array.from({ length: 1_000 }, (_, index) => `plugin-${index}`);
    const file = join(session.bench.folder, 'many.ndjson');
    writeFileSync(
      file,
      JSON.stringify({
        ...header,
        plugins: names.map((name) => ({ ...plugin, name })),
        actors: names.map((name) => ({ ...actor, name, id: `plugin:${name}` })),
      }),
    );
    const page = await openPage(session.inspector.url.split('#')[0] as string);
    await page.locator('input[type=file]').setInputFiles(file);
    await says(page, '.pane-actors .count', /1000/);
    expect(await page.locator('.actor').count()).toBeLessThan(60);
    await page.locator('#search').fill('plugin-77');
    await says(page, '.pane-actors .count', /11 of 1000/);
    await page.locator('#search').fill('');
    await page.evaluate(() => document.querySelector('.pane-actors .virtual')?.scrollTo(0, 1e6));
    await rowOf(page, 'plugin:plugin-999').waitFor();
  });

  it('shows what its address is changed to, also while it is about to change that itself', async () => {
    const { inspector } = await openSession(['other']);
    const page = await openPage(inspector.url);
    await rowOf(page, 'plugin:other').waitFor();
    // Has the page write its address when the test wants it.
    await page.evaluate(() => {
      const later = globalThis.setTimeout;
      const held = (write: () => void, ms?: number): unknown =>
        ms === 300 ? Object.assign(globalThis, { write }) : later(write, ms);
      Object.assign(globalThis, { setTimeout: held });
    });
    await rowOf(page, 'plugin:bench').click();
    await rowOf(page, 'plugin:bench').and(page.locator('[aria-selected=true]')).waitFor();
    // The event of the change comes after the write.
    await page.evaluate(() => {
      location.hash = '#actor=plugin%3Aother';
      (globalThis as unknown as { write(): void }).write();
    });
    await rowOf(page, 'plugin:other').and(page.locator('[aria-selected=true]')).waitFor();
  });

  it('needs no more than 34 kB of script and style to begin', () => {
    const html = readFileSync(join(PAGE_FOLDER, 'index.html'), 'utf8');
    const needed = [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(([, path]) => path as string);
    expect(needed.length).toBeGreaterThan(1);
    const size = needed.reduce(
      (sum, path) => sum + gzipSync(readFileSync(join(PAGE_FOLDER, path)), { level: 9 }).length,
      0,
    );
    expect(size).toBeLessThanOrEqual(34_000);
    expect(readdirSync(join(PAGE_FOLDER, 'assets')).some((name) => name.startsWith('chart-view'))).toBe(true);
    expect(html).not.toMatch(/<script(?![^>]*src=)|<style| style="/);
  });
});
