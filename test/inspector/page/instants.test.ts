import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../eventually.ts';
import { CHROMIUM, openPage, useBrowser, visit } from './browser.ts';
import { parseSession, replay } from './replay.ts';
import { crash, openSession, says } from './session.ts';

describe.skipIf(CHROMIUM === undefined)('the time cursor', () => {
  useBrowser();

  it('shows each instant in every pane as a replay of the session has it', async () => {
    const session = await openSession(['one', 'two']);
    const { bench, inspector } = session;
    // What is drawn takes most of the time.
    const page = await openPage(inspector.url, { viewport: { width: 1_000, height: 560 } });
    await says(page, '.pill', /Live/);
    const start = await session.snapshot();
    for (const plugin of ['bench', 'one', 'two', 'bench']) {
      await bench.supervisor.execute(plugin, { do: 'about' });
      if (plugin !== 'two') await crash(bench, plugin);
      else await bench.supervisor.release(plugin);
    }
    await bench.supervisor.unload('one');
    const exported = await session.exported();
    const { header, records } = parseSession(exported);
    const seed = Math.floor(Math.random() * 2 ** 31);
    let state = seed;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      return Math.floor((state / 2 ** 31) * below);
    };
    const ids = ['supervisor', 'scheduler', 'plugin:bench', 'plugin:one', 'plugin:two'];
    const instants = Array.from({ length: 500 }, () => ({
      seq: start.seq + random(header.seq - start.seq),
      actor: ids[random(ids.length)] as string,
    }));
    // The chart is loaded when it is first shown.
    await page.getByRole('tab', { name: 'Chart' }).click();
    await page.locator('.chart-pane').waitFor();
    // The last records may still be on their way.
    await page.waitForFunction((seq) => {
      const text = document.querySelector('[aria-label=Instant]')?.getAttribute('aria-valuetext') ?? '';
      return Number(/record (\d+)/.exec(text)?.[1]) >= seq;
    }, header.seq);
    const shown = await visit(page, instants);
    const charts = await visit(page, instants.slice(0, 100), 'chart');
    const end = [{ seq: header.seq, actor: 'plugin:bench' }];
    const last = await visit(page, end);
    // Read from the file, of which the page knows the end first, instead of from the stream, it is the same.
    const file = join(bench.folder, 'session.ndjson');
    writeFileSync(file, exported);
    await page.locator('input[type=file]').setInputFiles(file);
    await says(page, '.pill', /session\.ndjson/);
    // Its name is there before the whole of it is read.
    await eventually(async () => expect(await visit(page, end)).toEqual(last), { interval: 20 });
    const read = await visit(page, instants.slice(0, 50));
    for (const [index, seen] of [...shown, ...read].entries()) {
      const { seq, actor } = instants[index % 500] as (typeof instants)[number];
      const wanted = replay(start, records, seq);
      const hint = `${index < 500 ? 'live' : 'file'}, seed ${seed}, record ${seq} of ${header.seq}, ${actor}`;
      for (const [id, { state: own }] of wanted) expect([hint, id, seen.actors[id]]).toEqual([hint, id, own]);
      // What is wrong is shown by the strip.
      const { alerts: _, moreAlerts: __, ...context } = wanted.get(actor)?.context ?? {};
      expect([hint, seen.context]).toEqual([hint, context]);
      if (charts[index] !== undefined)
        for (const path of wanted.get(actor)?.active ?? [])
          expect([hint, charts[index].chart]).toEqual([hint, expect.stringContaining(path)]);
      const states = [...wanted]
        .filter(([id]) => id.startsWith('plugin:'))
        .map(([, { state: own }]) => own.split(' ')[0]);
      const counts = ['discovered', 'spawning', 'ready', 'busy', 'released', 'crashed'].map(
        (each) => states.filter((own) => own === each).length,
      );
      expect([hint, seen.counts, seen.wrong]).toEqual([hint, counts, 0]);
    }
  });
});
