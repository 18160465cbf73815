import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CallLog, withRunning } from '../../../src/inspector/page/calls/call-log.ts';
import { sequenceOfCall } from '../../../src/inspector/page/sequence/call-sequence.ts';
import { sequenceOfDecision } from '../../../src/inspector/page/sequence/decision-sequence.ts';
import { layoutOf } from '../../../src/inspector/page/sequence/layout.ts';
import { mermaidText } from '../../../src/inspector/page/sequence/mermaid.ts';
import {
  CALLER,
  type Sequence,
  type SequenceStep,
  sequenceOf,
  stepText,
} from '../../../src/inspector/page/sequence/sequence.ts';
import type { History } from '../../../src/inspector/page/store/history.ts';
import { readSession } from '../../../src/inspector/page/store/session-file.ts';
import { barriersOf, overflowOf } from './barriers.ts';
import { CHROMIUM, openPage, resize, rowOf, useBrowser } from './browser.ts';
import { openSession, type Session, says } from './session.ts';

/** The steps of a sequence in words. */
const wordsOf = (sequence: Sequence): string[] => sequence.steps.map((step) => stepText(sequence, step));

/** The last call of a plugin at an instant of a history. */
function lastCall(history: History, plugin: string, moment: { readonly seq: number; readonly at: number }): Sequence {
  const log = new CallLog();
  log.follow(history);
  const item = log.at(moment).findLast((each) => each.plugin === plugin);
  if (item === undefined) throw new Error(`${plugin} has no call.`);
  return sequenceOfCall(history, item, moment);
}

const EVICTION = [
  'guest → Scheduler: asks for 1 slot',
  'Scheduler: evicts for guest: it fits once idle plugins are evicted',
  'Scheduler → bench: asks it to leave',
  'bench: gives up its resources',
  'bench → Scheduler: has left; its worker stays, warm',
  'Scheduler: evicts for guest: it fits once idle plugins are evicted',
  'Scheduler → bench: asks it to leave',
  'bench → Scheduler: has left',
];

const LOAD = [
  'Scheduler → guest: grants it to worker 1: it fits into the free capacity',
  'guest → Worker: starts worker 1',
  'Worker → guest: is connected, and is initialised',
  'Worker → guest: is ready',
];

/** Without what is a matter of milliseconds: whether the scheduler looks once more before the slot is free, and the call is slow. */
const withoutWaits = (words: readonly string[]): readonly string[] =>
  words.filter((each) => !/^Scheduler → guest: has it wait|: is slow from here$/.test(each));

/** A session in which `bench` is evicted for a call of `guest`. */
async function evict(): Promise<Session> {
  const session = await openSession(['guest'], { capacity: { slots: 1 } });
  await session.bench.supervisor.execute('bench', { do: 'about' });
  await session.bench.supervisor.execute('guest', { do: 'about' });
  return session;
}

describe('a sequence from the records of a session', () => {
  let exported: Promise<string> | undefined;
  const evicted = (): Promise<string> => (exported ??= evict().then((session) => session.exported()));

  it('tells of a call who asked, who was evicted, how its worker loaded and what came of it', async () => {
    const history = readSession(await evicted());
    const words = wordsOf(lastCall(history, 'guest', history.present));
    expect(withoutWaits(words)).toEqual([
      'Program → guest: calls execute',
      ...EVICTION,
      ...LOAD,
      'guest → Worker: has worker 1 run it',
      'Worker → guest: gives the result',
      'guest → Program: gives the result',
    ]);
  });

  it('tells of a decision the same, up to the instant that is looked at', async () => {
    const history = readSession(await evicted());
    const decisions = history.recordsOf('plugin:guest').filter((record) => record.kind === 'decision');
    const [first] = decisions;
    if (first === undefined) throw new Error('There is no decision.');
    const all = ['Program → guest: calls it', ...EVICTION, ...LOAD];
    for (const decision of decisions)
      expect(withoutWaits(wordsOf(sequenceOfDecision(history, decision, history.present)))).toEqual(all);
    const early = withoutWaits(wordsOf(sequenceOfDecision(history, first, history.at(first.seq))));
    expect(all.slice(0, early.length)).toEqual(early);
    expect(early.length).toBeLessThan(all.length);
  });

  it('tells of a decision from the call on, also where the program was held up before it was made', async () => {
    const asksEarlier = (line: string): string =>
      line.includes('"to":"spawning.admitting"')
        ? line.replace(/"at":(\d+)/, (_, at) => `"at":${Number(at) - 200}`)
        : line;
    const history = readSession((await evicted()).split('\n').map(asksEarlier).join('\n'));
    const decision = history.recordsOf('plugin:guest').findLast((record) => record.kind === 'decision');
    if (decision === undefined) throw new Error('There is no decision.');
    const words = withoutWaits(wordsOf(sequenceOfDecision(history, decision, history.present)));
    expect(words).toEqual(['Program → guest: calls it', ...EVICTION, ...LOAD]);
  });

  it('tells of a call that waits what it waits for, and of one that failed by what', async () => {
    const { bench, exported } = await openSession(['guest'], { capacity: { slots: 1 } });
    const caller = new AbortController();
    const never = join(bench.folder, 'never');
    const { signal } = caller;
    const busy = bench.supervisor.execute('bench', { do: 'wait', for: never }, { signal }).catch(() => {});
    await expect.poll(() => bench.supervisor.plugin('bench').snapshot().state).toBe('busy');
    const waiting = bench.supervisor.execute('guest', { do: 'fail' }).catch(() => {});
    let text = '';
    do text = await exported();
    while (!/"outcome":"wait"/.test(text));
    const early = readSession(text);
    expect(wordsOf(lastCall(early, 'guest', early.present)).slice(0, 3)).toEqual([
      'Program → guest: calls execute',
      'guest → Scheduler: asks for 1 slot',
      'Scheduler → guest: has it wait: busy plugins hold the capacity it needs',
    ]);
    caller.abort();
    await Promise.all([busy, waiting]);
    const history = readSession(await exported());
    expect(withoutWaits(wordsOf(lastCall(history, 'bench', history.present))).slice(-3)).toEqual([
      'bench → Worker: has worker 1 run it',
      'bench → Worker: has it stop the call',
      'bench → Program: fails with E_CANCELLED: The call to "bench" was cancelled.',
    ]);
    expect(withoutWaits(wordsOf(lastCall(history, 'guest', history.present))).slice(-2)).toEqual([
      'Worker → guest: raises an error',
      'guest → Program: fails with E_REMOTE: "guest" raised RangeError: out of range',
    ]);
  });
});

const step = (at: number, from: string, to: string, text: string): SequenceStep => ({
  ...{ at, from, to, text, tone: 'plain', order: at },
});

describe('a sequence of a call that runs', () => {
  it('ends with how far it is, and says where earlier records are not remembered', () => {
    const running = [
      {
        ...({ call: '1', plugin: 'a', since: 1_000, part: 'run', queueMs: 400, loadMs: 0, runMs: 600 } as const),
        progress: 0.5,
        message: 'half',
      },
    ];
    const [item] = withRunning([], running, { at: 2_000, isAll: true });
    if (item === undefined) throw new Error('There is no call.');
    const sequence = sequenceOfCall({ recordsOf: () => [], firstAt: 1_500 }, item, { seq: 9, at: 2_000 });
    expect(wordsOf(sequence)).toEqual([
      'Program → a: calls execute',
      'a: has it wait for 400 ms in its queue',
      'a → Worker: has its worker run it',
      'Worker: still runs after 1.0 s · 50 % · half',
    ]);
    expect(sequence.steps.map(({ at }) => at)).toEqual([1_000, 1_000, 1_400, 2_000]);
    expect(sequence.isCut).toBe(true);
  });
});

describe('a drawn sequence', () => {
  it('keeps the first and the last of very many steps, and says how many are left out', () => {
    const steps = Array.from({ length: 200 }, (_, at) => step(at, CALLER, 'plugin:a', String(at)));
    const sequence = sequenceOf(steps, 'Program', false);
    expect(sequence.steps.map(({ at }) => at)).toEqual(
      [...steps.slice(0, 40), ...steps.slice(-40)].map(({ at }) => at),
    );
    expect(layoutOf(sequence).rows[40]?.before?.text).toBe('120 steps are left out');
    expect(mermaidText(sequence)).toContain('Note over p0: 120 steps are left out');
  });

  it('has room for each text between its lifelines, one row below another', () => {
    const texts = ['a', 'a text of some words that is long enough for several lines', 'x'.repeat(90)];
    const lines = [CALLER, 'plugin:a', 'worker:a', 'scheduler', 'plugin:other'];
    const steps = texts.flatMap((text, index) => lines.map((to) => step(index, 'plugin:a', to, text)));
    const { rows, width, lines: drawn } = layoutOf(sequenceOf(steps, 'Program', false));
    expect(drawn.map(({ id }) => id)).toEqual(lines);
    for (const { x1, x2, texts: shown } of rows) {
      for (const { text, x } of shown) {
        const end = x1 === x2 ? (drawn.find((line) => line.x > x1)?.x ?? width) : Math.max(x1, x2);
        const half = x1 === x2 ? text.length * 6 : text.length * 3;
        expect(x + half).toBeLessThanOrEqual(end);
      }
    }
    const ys = rows.flatMap(({ y, texts: shown }) => [...shown.map((each) => each.y), y]);
    expect(Math.max(...ys)).toBe(ys.at(-1));
  });

  it('isolates in each line what turns text around, also where a text is broken in the middle of that', () => {
    const turning =
      'has failed: \u2068the worker of "a\u202eb" exited with status 3, after "a\u202eb" had printed nothing\u2069 then';
    const { rows } = layoutOf(sequenceOf([step(0, CALLER, CALLER, turning)], 'Program', false));
    const texts = rows.flatMap((row) => row.texts.map(({ text }) => text));
    expect(texts.length).toBeGreaterThan(1);
    for (const text of texts.filter((each) => each.includes('\u202e')))
      expect(text).toMatch(/\u2068[^\u2069]*\u202e[^\u2069]*\u2069/);
  });

  it('is given as a diagram of Mermaid, in which no name or text is taken for a command', () => {
    const sequence = sequenceOf(
      [
        step(0, CALLER, 'plugin:end', 'calls a;b # "end"\n%% of it'),
        { ...step(1_500, 'plugin:end', 'plugin:end', 'waits'), tone: 'wait' },
        { ...step(2_000, 'plugin:end', CALLER, 'fails'), tone: 'bad' },
      ],
      'Program',
      false,
    );
    expect(mermaidText(sequence)).toBe(
      [
        'sequenceDiagram',
        '  participant p0 as Program',
        '  participant p1 as #101;nd',
        '  p0->>p1: +0.000 s calls a#59;b #35; #34;#101;nd#34; #37;#37; of it',
        '  Note over p1: +1.500 s waits',
        '  p1-xp0: +2.000 s fails',
        '',
      ].join('\n'),
    );
  });
});

describe.skipIf(CHROMIUM === undefined)('a sequence on the page', () => {
  useBrowser();

  it('is opened by keys from a call and from a decision, read as text, and copied as Mermaid', async () => {
    const { inspector } = await evict();
    const page = await openPage(inspector.url);
    await rowOf(page, 'plugin:guest').click();
    await page.getByRole('tab', { name: 'Calls' }).click();
    await page.locator('.call-row').click();
    await page.getByRole('button', { name: 'Sequence diagram' }).press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Call execute of guest' });
    await dialog.getByRole('img', { name: /^Sequence diagram: \d+ steps/ }).waitFor();
    await says(page, '.sequence-text', /^asks it to leave$/);
    await dialog.getByText('The same as text').press('Enter');
    await says(page, '.sequence-list li', /\+\d\.\d{3} s Scheduler → bench: asks it to leave/);
    await dialog.getByRole('button', { name: 'Copy as Mermaid' }).press('Enter');
    await says(page, '.sequence', /Copied/);
    expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(
      /^sequenceDiagram\n {2}participant p0 as Program\n/,
    );
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await says(page, '.pill', /Live/);
    await page.getByRole('tab', { name: 'Why' }).click();
    await page.getByRole('button', { name: 'Sequence diagram' }).first().press('Enter');
    await page.getByRole('dialog', { name: 'Memory for worker 1 of guest' }).waitFor();
    await says(page, '.sequence-line', /bench/);
    await page.getByRole('button', { name: 'Close' }).press('Enter');
    await page.locator('dialog.sequence').waitFor({ state: 'detached' });
  });

  it('has no barrier that axe finds, in light and dark, and scrolls within a page of 390 pixels', async () => {
    const { inspector } = await evict();
    const page = await openPage(inspector.url, { viewport: { width: 390, height: 800 } });
    await rowOf(page, 'plugin:guest').click();
    await page.getByRole('tab', { name: 'Details', exact: true }).click();
    await page.getByRole('tab', { name: 'Why' }).click();
    await page.getByRole('button', { name: 'Sequence diagram' }).first().click();
    await page.getByText('The same as text').click();
    const scroll = page.locator('.sequence-scroll');
    for (const colorScheme of ['light', 'dark'] as const) {
      await resize(page, colorScheme, 390, 800);
      await scroll.evaluate((element) => element.scrollTo(0, 0));
      expect(await scroll.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBeGreaterThan(100);
      expect(await overflowOf(page)).toBeLessThanOrEqual(0);
      // A busy browser lets a key fall that comes before its frame, so it is pressed again, as a person would.
      const scrolled = async (): Promise<number> => {
        await scroll.press('ArrowRight');
        return scroll.evaluate(({ scrollLeft }) => scrollLeft);
      };
      await expect.poll(scrolled).toBeGreaterThan(0);
      expect([colorScheme, await barriersOf(page)]).toEqual([colorScheme, []]);
    }
  });
});
