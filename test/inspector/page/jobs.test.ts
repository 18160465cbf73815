import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { withChanges } from '../../../src/inspector/page/jobs/job-rows.ts';
import { dayTimeText, noteText } from '../../../src/inspector/page/jobs/job-text.ts';
import type { JobRow } from '../../../src/inspector/wire-jobs.ts';
import { endAfterTest, openBenchJobs } from '../bench.ts';
import { barriersOf, overflowOf } from './barriers.ts';
import { CHROMIUM, openPage, resize, rowOf, useBrowser } from './browser.ts';
import { openSession, says } from './session.ts';

const row = (n: number, rest: Partial<JobRow> = {}): JobRow => ({
  ...{ id: `0000000${n}`, plugin: 'a', state: 'waiting', addedAt: n, attempt: 0, attempts: 3, blockers: 0 },
  ...rest,
});

const ALL = { plugin: undefined, state: undefined, prefix: '' };

describe('a list of jobs', () => {
  const changed = (...rows: readonly JobRow[]) => new Map(rows.map((each) => [each.id, each]));
  const numbers = (rows: readonly JobRow[]): number[] => rows.map(({ addedAt }) => addedAt);

  it('has what has changed in its place, what is new before the others, and nothing that was removed', () => {
    const rows = [row(5), row(3)];
    expect(withChanges(rows, changed(row(3, { state: 'done' })), ALL, false)[1]?.state).toBe('done');
    expect(numbers(withChanges(rows, changed(row(6), row(4)), ALL, false))).toEqual([6, 5, 4, 3]);
    expect(numbers(withChanges(rows, new Map([[row(5).id, undefined]]), ALL, false))).toEqual([3]);
  });

  it('leaves jobs that are older than its last row to the page that they are on, unless there is none', () => {
    const rows = [row(5), row(3)];
    expect(numbers(withChanges(rows, changed(row(2)), ALL, false))).toEqual([5, 3]);
    expect(numbers(withChanges(rows, changed(row(2)), ALL, true))).toEqual([5, 3, 2]);
    expect(numbers(withChanges([], changed(row(2)), ALL, false))).toEqual([]);
  });

  it('has only those that its filter wants, also after they have changed', () => {
    const rows = [row(5), row(3)];
    const waiting = { ...ALL, state: 'waiting' as const };
    expect(numbers(withChanges(rows, changed(row(3, { state: 'running' })), waiting, true))).toEqual([5]);
    expect(numbers(withChanges(rows, changed(row(6, { plugin: 'b' })), { ...ALL, plugin: 'a' }, true))).toEqual([5, 3]);
    expect(numbers(withChanges([], changed(row(6), row(7)), { ...ALL, prefix: '00000006' }, true))).toEqual([6]);
  });
});

describe('what is said of a job', () => {
  it('is what matters in its state', () => {
    const error = { code: 'E_REMOTE', message: 'no disk' };
    const said = (rest: Partial<JobRow>, waitsFor?: string): string => noteText(row(1, rest), waitsFor, 1_000);
    expect(said({}, 'The plugin is disabled.')).toBe('The plugin is disabled.');
    expect(said({ state: 'delayed', dueAt: 6_000, attempt: 1, error })).toMatch(
      /^due \d\d:\d\d:06 · attempt 1 of 3 · E_REMOTE: no disk$/,
    );
    expect(said({ state: 'blocked', blockers: 2 })).toBe('after 2 jobs');
    expect(said({ state: 'running', progress: 0.42, message: 'page 3' })).toBe('42 % · page 3');
    expect(said({ state: 'running', progress: -1, message: 'page 3' })).toBe('page 3');
    expect(said({ state: 'done', startedAt: 0, endedAt: 90 })).toBe('took 90 ms');
    expect(said({ state: 'failed', error })).toBe('E_REMOTE: no disk');
  });

  it('has its day where that is another', () => {
    const at = new Date(2026, 0, 2, 3, 4, 5).getTime();
    expect(dayTimeText(at, at + 1_000)).toBe('03:04:05');
    expect(dayTimeText(at, at + 86_400_000)).toBe('2026-01-02 03:04:05');
  });
});

const job = (page: Page, id: string) => page.locator(`[data-job="${id}"]`);

async function openJobsTab(page: Page, actor = 'supervisor'): Promise<void> {
  await rowOf(page, actor).click();
  await page.getByRole('tab', { name: 'Jobs' }).click();
}

describe.skipIf(CHROMIUM === undefined)('the jobs on the page', () => {
  useBrowser();

  it('are none before they are open, and appear as they are added, run and end', async () => {
    const { bench, inspector } = await openSession();
    const page = await openPage(inspector.url);
    await openJobsTab(page);
    await says(page, '.jobs .empty', /No jobs are open.*greenroom jobs add PLUGIN.*openJobs\(\{ supervisor \}\)/s);
    const jobs = await openBenchJobs(bench);
    await says(page, '.jobs .empty', /No jobs.*appears here when it is added/s);
    const file = join(bench.folder, 'file');
    const added = await jobs.add('bench', { do: 'wait', for: file, value: 'late', password: 'hunter2' });
    await job(page, added.id)
      .filter({ hasText: /bench.*0 % · waiting/ })
      .waitFor();
    await says(page, '.jobs-states', /All 1\s*running 1/);
    await job(page, added.id).click();
    await says(page, '.job-title', /running.*bench · execute/);
    await says(page, '.job .code', /"password": "\[redacted\]"/);
    expect(await page.locator('.job progress').getAttribute('value')).toBe('0');
    expect(await page.getByRole('button', { name: 'Cancel the job' }).count()).toBe(0);
    writeFileSync(file, '');
    await says(page, '.job-title', /done/);
    await says(page, '.job .code', /^late$/);
    await job(page, added.id).filter({ hasText: /took/ }).waitFor();
    const failing = await jobs.add('bench', { do: 'fail' });
    await job(page, failing.id).click();
    await says(page, '.job .jobs-fault', /E_REMOTE · RangeError: .*out of range/);
    await says(page, '.job .code', /RangeError: out of range[^]*workbench\.mjs/);
    await says(page, '.attempts', /#1.*failed · E_REMOTE/s);
    await jobs.remove(failing.id);
    await expect.poll(() => job(page, failing.id).count()).toBe(0);
    await says(page, '.job .jobs-fault', /There is no job/);
    await jobs.close();
    await says(page, '.jobs .empty', /No jobs are open/);
  });

  it('are filtered by state, plugin and identifier, and of one plugin alone; each says what it waits for', async () => {
    const { bench, inspector } = await openSession(['other']);
    const jobs = await openBenchJobs(bench);
    const done = await jobs.add('bench', { value: 1 });
    await done.result();
    const page = await openPage(inspector.url);
    await openJobsTab(page);
    await job(page, done.id).waitFor();
    const waiting = await jobs.add('othr', { value: 2 });
    const blocked = await jobs.add('bench', { value: 3 }, { after: [waiting.id], key: 'night' });
    await job(page, waiting.id)
      .filter({ hasText: /did you mean "other"/i })
      .waitFor();
    await job(page, blocked.id)
      .filter({ hasText: /after 1 job/ })
      .waitFor();
    expect(await page.locator('[data-job]').evaluateAll((rows) => rows.map((each) => each.dataset['job']))).toEqual([
      ...[blocked.id, waiting.id, done.id],
    ]);
    await page.getByRole('button', { name: /^waiting/ }).click();
    await expect.poll(() => page.locator('[data-job]').count()).toBe(1);
    await page.locator('.jobs-states').getByRole('button', { name: /^All/ }).click();
    await page.getByLabel('Only jobs of').selectOption('bench');
    await expect.poll(() => page.locator('[data-job]').count()).toBe(2);
    await says(page, '.jobs-states', /All 2/);
    await page.getByLabel('Only jobs of').selectOption('');
    await page.getByLabel('Only jobs whose identifier').fill(done.id.slice(0, 18).toUpperCase());
    await expect.poll(() => page.locator('[data-job]').count()).toBe(1);
    await page.getByLabel('Only jobs whose identifier').fill('what');
    await says(page, '.split-tools [role=status]', /Identifiers have only/);
    await page.getByLabel('Only jobs whose identifier').fill('ffff');
    await says(page, '.jobs .empty', /No job matches/);
    await page.getByLabel('Only jobs whose identifier').fill('');
    await job(page, blocked.id).click();
    await says(page, '.job .facts', /Key\s*night/);
    await page.locator('.job-after button').filter({ hasText: 'othr' }).click();
    await says(page, '.job-title', /waiting.*othr/);
    await says(page, '.job .facts', /Waits for.*did you mean "other"/i);
    expect(await page.getByRole('button', { name: 'Select the plugin' }).count()).toBe(0);
    await job(page, done.id).click();
    await page.getByRole('button', { name: 'Select the plugin' }).click();
    await says(page, '.details-name', /^bench$/);
    await page.getByRole('tab', { name: 'Calls' }).click();
    await page.locator('.call-row').click();
    await page.getByRole('button', { name: 'Show its job' }).click();
    await says(page, '.job-title', /done.*bench/);
    await expect.poll(() => page.locator('[data-job]').count()).toBe(2);
    await page.getByRole('button', { name: 'All queues' }).click();
    await says(page, '.queues', /bench/);
    expect(await page.locator('.queues').textContent()).not.toContain('othr');
  });

  it('are reached by the address of one, which Copy link gives', async () => {
    const { bench, inspector } = await openSession();
    const jobs = await openBenchJobs(bench);
    const added = await jobs.add('bench', { value: 'found by its link' });
    await added.result();
    const page = await openPage(inspector.url);
    await openJobsTab(page);
    await job(page, added.id).click();
    await page.getByRole('button', { name: 'Copy link' }).click();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    expect(link).toContain(`tab=jobs&job=${added.id}`);
    const other = await page.context().newPage();
    await other.goto(`${link}&${new URL(inspector.url).hash.slice(1)}`);
    await says(other, '.job .code', /found by its link/);
    await other.getByRole('tab', { name: 'Context' }).click();
    await expect.poll(() => other.url()).not.toContain('job=');
  });

  it('are ten thousand: read as they are scrolled to, where only those in sight are in the document', async () => {
    const { bench, inspector } = await openSession();
    const jobs = await openBenchJobs(bench);
    await jobs.pause();
    const first = await jobs.add('bench', { n: 0 });
    for (let n = 0; n < 10; n += 1)
      await jobs.addAll(
        Object.fromEntries(
          Array.from({ length: n === 9 ? 998 : 1_000 }, (_, m) => [`job-${m}`, { plugin: 'bench', input: { n: m } }]),
        ),
      );
    const last = await jobs.add('bench', { n: 1 });
    const page = await openPage(inspector.url);
    await openJobsTab(page);
    await says(page, '.jobs-states', /All 10,000\s*waiting 10,000/);
    await job(page, last.id).waitFor();
    await expect
      .poll(
        async () => {
          await page.locator('.jobs-list .virtual').evaluate((list) => list.scrollTo(0, 1e9));
          return job(page, first.id).count();
        },
        { interval: 20 },
      )
      .toBe(1);
    expect(await page.locator('[data-job]').count()).toBeLessThan(60);
    // One that comes does not move what is in sight.
    const place = await job(page, first.id).boundingBox();
    await jobs.add('bench', { n: 2 });
    await says(page, '.jobs-states', /All 10,001/);
    expect(await job(page, first.id).boundingBox()).toEqual(place);
    await page.locator('.jobs-list .virtual').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowDown');
    await job(page, last.id).and(page.locator('[aria-current]')).waitFor();
  }, 120_000);

  it('are cancelled, run again, moved and removed by the keyboard, and their queues paused, where that is allowed', async () => {
    const { bench, inspector } = await openSession([], { control: true });
    const { folder } = bench;
    const jobs = await openBenchJobs(bench);
    const page = await openPage(inspector.url);
    await openJobsTab(page);
    const file = join(folder, 'file');
    endAfterTest(async () => writeFileSync(file, ''));
    const running = await jobs.add('bench', { do: 'wait', for: file });
    await job(page, running.id).filter({ hasText: '0 %' }).waitFor();
    await page.getByRole('button', { name: 'Pause bench' }).press('Enter');
    await says(page, '.queues', /bench\s*paused/);
    const [second, third] = [await jobs.add('bench', { value: 2 }), await jobs.add('bench', { value: 3 })];
    await job(page, third.id).click();
    await page.getByRole('button', { name: 'Make it the next' }).press('Enter');
    await job(page, running.id).click();
    await page.getByRole('button', { name: 'Cancel the job' }).press('Enter');
    await page.getByRole('dialog').getByRole('button', { name: 'No' }).press('Enter');
    expect((await running.read()).state).toBe('running');
    await page.getByRole('button', { name: 'Cancel the job' }).press('Enter');
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel the job' }).press('Enter');
    await says(page, '.job-title', /cancelled/);
    await page.getByRole('button', { name: 'All queues' }).press('Enter');
    await page.getByRole('button', { name: 'Resume bench' }).press('Enter');
    await Promise.all([second.result(), third.result()]);
    const [one, other] = [await second.read(), await third.read()];
    expect(one.startedAt ?? 0).toBeGreaterThanOrEqual(other.startedAt ?? Infinity);
    await job(page, second.id).click();
    await says(page, '.job-title', /done/);
    await page.getByRole('button', { name: 'Run it again' }).press('Enter');
    await says(page, '.job .facts', /Attempts\s*2 of/);
    await says(page, '.job-title', /done/);
    await page.getByRole('button', { name: 'Remove the job' }).press('Enter');
    await page.getByRole('dialog').getByRole('button', { name: 'Remove the job' }).press('Enter');
    await expect.poll(() => job(page, second.id).count()).toBe(0);
    await says(page, '.split-side .jobs-fault', /There is no job/);
    await says(page, '.event', /inspector: remove job.*done/);
    // What the runtime refuses is said where it was asked for.
    await job(page, third.id).click();
    await page.getByRole('button', { name: 'Run it again' }).waitFor();
    await page.route('**/api/jobs', (route) =>
      route.fulfill({
        status: 409,
        contentType: 'application/json',
        body: '{"ok":false,"message":"The disk is full."}',
      }),
    );
    await page.getByRole('button', { name: 'Run it again' }).press('Enter');
    await says(page, '.job [role=status]', /The disk is full\./);
    await page.unroute('**/api/jobs');
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await says(page, '.jobs-now', /as they are now/);
    expect(await page.getByRole('button', { name: 'Run it again' }).count()).toBe(0);
  });

  it('have no barrier that axe finds, in light and dark, wide and narrow', async () => {
    const { bench, inspector } = await openSession([], { control: true });
    const jobs = await openBenchJobs(bench);
    await (await jobs.add('bench', { value: 'a result' })).result();
    const failed = await jobs.add('bench', { do: 'fail' }, { key: 'transcribe:/talks/2026/opening.wav' });
    await failed.result().catch(() => {});
    const file = join(bench.folder, 'file');
    endAfterTest(async () => writeFileSync(file, ''));
    const running = await jobs.add('bench', { do: 'wait', for: file });
    const unknown = await jobs.add('benhc', { file: 'x' });
    await jobs.add('bench', { value: 1 }, { after: [unknown.id] });
    await jobs.add('bench', { value: 1 }, { delayMs: 1e6 });
    await jobs.add('bench', { value: 1 }, { after: [running.id, unknown.id] });
    await (await jobs.add('bench', { value: 1 }, { delayMs: 1e6 })).cancel();
    await jobs.pause('benhc');
    const page = await openPage(inspector.url);
    await says(page, '.pill', /Live/);
    for (const [colorScheme, width, height] of [
      ['light', 1_440, 900],
      ['dark', 1_280, 800],
      ['dark', 1_000, 800],
      ['light', 390, 800],
    ] as const) {
      await resize(page, colorScheme, width, height);
      if (width < 1_000) await page.getByRole('tab', { name: 'Details', exact: true }).click();
      await page.getByRole('tab', { name: 'Jobs' }).click();
      await job(page, failed.id).waitFor();
      for (const part of ['queues', 'failed', 'running'] as const) {
        if (part === 'queues' && (await page.locator('.job-title').count()) > 0)
          await page.getByRole('button', { name: 'All queues' }).click();
        if (part === 'queues') await says(page, '.queues', /benhc/);
        if (part !== 'queues') await job(page, part === 'failed' ? failed.id : running.id).click();
        if (part !== 'queues') await says(page, '.job-title', new RegExp(part));
        const shots = process.env['GREENROOM_SHOTS'];
        if (shots !== undefined)
          await page.screenshot({ path: join(shots, `jobs-${part}-${colorScheme}-${width}.png`) });
        expect(await overflowOf(page)).toBeLessThanOrEqual(0);
        // Around the details, all is as it was.
        const found = await barriersOf(page, part === 'queues' ? undefined : '.pane-details');
        expect([width, part, found]).toEqual([width, part, []]);
      }
    }
  });
});
