// @ts-check
// What does it cost to follow a plugin that prints 10,000 lines a second in the inspector? The supervisor, the plugin, the
// page and the browser are real.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { createSupervisor } from '../../dist/index.js';
import { findChromium, framesIn } from '../lib/browser.mjs';
import { limitRow, percentile } from '../lib/measure.mjs';

const LINES_PER_SECOND = 10_000;

/** Prints so many lines a second for so long, in a tenth of a second each time. */
const PLUGIN = `
export default {
  async execute({ ms }) {
    const end = Date.now() + ms;
    for (let n = 0; Date.now() < end; ) {
      const text = Array.from({ length: ${LINES_PER_SECOND / 20} }, () => 'INFO request ' + ++n + ' of /models/complete took 12 ms, status 200, cache hit, 512 tokens');
      process.stdout.write(text.join('\\n') + '\\n');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  },
};
`;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default async (bench) => {
  const folder = mkdtempSync(join(tmpdir(), 'gr-bench-logs-'));
  writeFileSync(join(folder, 'chatty.mjs'), PLUGIN);
  writeFileSync(join(folder, 'chatty.json'), JSON.stringify({ name: 'chatty', module: './chatty.mjs' }));
  const supervisor = await createSupervisor({ searchPaths: [folder], dataDir: folder, watch: false, inspect: true });
  const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox'] });
  try {
    const ms = bench.quick ? 4_000 : 10_000;
    await supervisor.load('chatty');
    const alone = await turnsWhile(supervisor, ms);
    const page = await browser.newPage({ viewport: { width: 1_440, height: 900 } });
    await page.goto(`${supervisor.inspector?.url}&actor=plugin%3Achatty`);
    await page.getByRole('tab', { name: 'Logs' }).click();
    await page.waitForSelector('.log-line');
    const printing = turnsWhile(supervisor, ms + 1_000);
    await delay(500);
    const frames = await framesIn(page, ms - 500);
    const followed = await printing;
    const lines = `${LINES_PER_SECOND.toLocaleString('en')} lines/s`;
    return [
      limitRow(`inspector, following ${lines}, frame p95`, 'ms', percentile(frames, 0.95), { atMost: 34 }),
      // Beside the same without a page.
      limitRow(
        `inspector, following ${lines}, host's loop late, p99`,
        'ms',
        followed,
        { atMost: 5 },
        { reference: alone },
      ),
    ];
  } finally {
    await browser.close();
    await supervisor.stop();
    rmSync(folder, { recursive: true, force: true });
  }
};

/** How late the host's loop was while the plugin printed, at the 99th percentile, in milliseconds. @param {import('../../dist/index.js').Supervisor} supervisor @param {number} ms */
async function turnsWhile(supervisor, ms) {
  const turns = monitorEventLoopDelay({ resolution: 1 });
  turns.enable();
  await supervisor.execute('chatty', { ms });
  turns.disable();
  // Of a timer of 1 ms.
  return Math.max(0, turns.percentile(99) / 1e6 - 1);
}
