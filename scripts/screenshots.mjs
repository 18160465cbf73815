// npm run screenshots: takes the pictures of the docs from the demo, in light and dark. Needs a chromium in the PATH.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const PICTURES = fileURLToPath(new URL('../docs/images/', import.meta.url));
const BIN = fileURLToPath(new URL('../bin/greenroom.js', import.meta.url));
const SIZE = { width: 1_440, height: 900 };

const executablePath = (process.env.PATH ?? '')
  .split(delimiter)
  .flatMap((path) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(path, name)))
  .find((path) => existsSync(path));
if (executablePath === undefined) {
  console.error('There is no chromium or google-chrome in the PATH. Install one, for example: apt install chromium');
  process.exit(1);
}

mkdirSync(PICTURES, { recursive: true });
const demo = spawn(process.execPath, [BIN, 'demo', '--inspect', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
const ended = once(demo, 'exit');
try {
  const url = await playedDemo();
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    for (const colorScheme of ['light', 'dark']) await takePictures(browser, url, colorScheme);
  } finally {
    await browser.close();
  }
} finally {
  demo.kill('SIGINT');
  await ended;
}

/** The address of the inspector, when all of the demo but its end has been played. */
async function playedDemo() {
  let url = '';
  for await (const line of createInterface({ input: demo.stdout })) {
    const event = JSON.parse(line);
    if (event.type === 'inspector') url = event.url;
    if (event.type === 'act' && event.title.startsWith('The inspector')) {
      // What comes after it is of no interest, but must be read.
      demo.stdout.resume();
      return url;
    }
  }
  throw new Error('The demo has ended before its time.');
}

async function takePictures(browser, url, colorScheme) {
  const context = await browser.newContext({ viewport: SIZE, colorScheme, reducedMotion: 'reduce' });
  const page = await context.newPage();
  await page.goto(`${url}&actor=plugin%3Alibrary-index`);
  await page.locator('[data-actor]').first().waitFor();
  await page.locator('.lanes-pane, .pane-lanes').getByRole('button', { name: 'All' }).click();
  await page.getByRole('tab', { name: 'Why' }).click();
  await take(page, `inspector-${colorScheme}.png`);
  await page.getByRole('button', { name: 'Errors' }).click();
  await page.locator('.event', { hasText: 'E_CRASHED' }).first().click();
  await page.getByRole('tab', { name: 'Crash' }).click();
  await page.getByRole('button', { name: 'Show everything at the crash' }).click();
  await take(page, `inspector-crash-${colorScheme}.png`);
  await context.close();
}

async function take(page, name) {
  // Until fonts and the chart stand still.
  await page.evaluate(() => document.fonts.ready);
  await page.waitForTimeout(500);
  await page.screenshot({ path: join(PICTURES, name) });
  console.log(join('docs', 'images', name));
}
