import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { endTrace, startTrace } from '../../../src/calls/call-trace.ts';
import { GreenroomError } from '../../../src/errors.ts';
import { type CallOrder, chooseCalls } from '../../../src/inspector/page/calls/call-filter.ts';
import { CallLog, withRunning } from '../../../src/inspector/page/calls/call-log.ts';
import { outcomeText } from '../../../src/inspector/page/calls/call-text.ts';
import { flatFields, inputOf } from '../../../src/inspector/page/calls/flat-schema.ts';
import { curlText, javaScriptText } from '../../../src/inspector/page/calls/snippets.ts';
import type { CallRecord } from '../../../src/inspector/wire.ts';
import { barriersOf, overflowOf } from './barriers.ts';
import { CHROMIUM, openPage, resize, rowOf, useBrowser } from './browser.ts';
import { parseSession } from './replay.ts';
import { openSession, says } from './session.ts';

const record = (seq: number, call: string, rest: Partial<CallRecord> = {}): CallRecord => ({
  ...{ kind: 'call', seq, at: seq * 100, actor: 'plugin:a', call, edge: 'start' },
  ...rest,
});

const ended = (seq: number, call: string, rest: Partial<CallRecord> = {}): CallRecord =>
  record(seq, call, { edge: 'end', outcome: 'ok', tookMs: 50, ...rest });

describe('what is known of calls', () => {
  it('is at any instant what it was then: one that ended later runs, one that began later is not there', () => {
    const log = new CallLog();
    for (const each of [
      record(1, 'one'),
      record(2, 'two'),
      ended(3, 'one'),
      ended(4, 'late', { outcome: 'E_TIMEOUT' }),
    ])
      log.add(each);
    const at = (seq: number) => log.at({ seq, at: seq * 100 }).map(({ call, state }) => `${call} ${state}`);
    expect(at(1)).toEqual(['one running']);
    expect(at(2)).toEqual(['one running', 'two running']);
    expect(at(3)).toEqual(['one ok', 'two running']);
    expect(at(4)).toEqual(['one ok', 'two running', 'late failed']);
  });

  it('keeps failed and slow ones beside any number of quick ones', () => {
    const log = new CallLog();
    log.add(ended(1, 'failed', { outcome: 'E_CRASHED' }));
    log.add(record(2, 'slow', { edge: 'slow', tookMs: 1_000 }));
    for (let seq = 3; seq < 20_000; seq += 1) log.add(ended(seq, `quick-${seq}`));
    const calls = log.at({ seq: 1e6, at: 1e9 });
    expect(calls.length).toBe(6_002);
    const slow = chooseCalls(calls, { plugin: undefined, kind: 'slow', query: '', order: 'time' });
    expect(slow.map(({ call, state }) => [call, state])).toEqual([['slow', 'running']]);
    const failed = chooseCalls(calls, { plugin: 'a', kind: 'all', query: 'crashed', order: 'took' });
    expect(failed.map(({ call }) => call)).toEqual(['failed']);
  });

  it('has those that run first, with what the runtime says of them, and none of which it does not know', () => {
    const log = new CallLog();
    for (const each of [record(1, 'gone'), record(2, 'here'), record(3, 'quick'), ended(4, 'quick')]) log.add(each);
    const running = ['here', 'untold'].map((call, index) => ({
      ...{
        call,
        plugin: 'a',
        since: 200 + index,
        part: 'run' as const,
        queueMs: 1,
        loadMs: 0,
        runMs: 9,
        progress: 0.5,
      },
    }));
    const now = withRunning(log.at({ seq: 9, at: 900 }), running, { at: 900, isAll: true });
    const shown = chooseCalls(now, { plugin: 'a', kind: 'all', query: '', order: 'time' });
    expect(shown.map(({ call, tookMs, progress }) => [call, tookMs, progress])).toEqual([
      ['untold', 10, 0.5],
      ['here', 10, 0.5],
      ['quick', 50, undefined],
    ]);
  });
});

describe('a list of calls', () => {
  it('has those that a worker runs before those that load, are queued or have ended, however long ago they began', () => {
    const log = new CallLog();
    for (const [seq, name] of ['run', 'load', 'queue', 'quick'].entries()) log.add(record(seq + 1, name));
    log.add(ended(5, 'quick'));
    const running = (['run', 'load', 'queue'] as const).map((part) => ({
      ...{ call: part, plugin: 'a', since: 0, part, queueMs: 1, loadMs: 0, runMs: 0 },
    }));
    const now = withRunning(log.at({ seq: 9, at: 900 }), running, { at: 900, isAll: true });
    for (const order of ['time', 'took', 'tool'] as const) {
      const shown = chooseCalls(now.toReversed(), { plugin: 'a', kind: 'all', query: '', order });
      expect(shown.map(({ call }) => call)).toEqual(['run', 'load', 'queue', 'quick']);
    }
  });

  it('has of those that run, too, the latest first, or the one that has run for longest, however long it waited', () => {
    const log = new CallLog();
    for (const [seq, name] of ['long', 'waited', 'quick'].entries()) log.add(record(seq + 1, name));
    const running = [
      { call: 'long', since: 1, queueMs: 0, runMs: 100 },
      { call: 'waited', since: 2, queueMs: 900, runMs: 20 },
      { call: 'quick', since: 3, queueMs: 0, runMs: 10 },
    ].map((each) => ({ ...each, plugin: 'a', part: 'run' as const, loadMs: 0 }));
    const now = withRunning(log.at({ seq: 99, at: 9_900 }), running, { at: 9_900, isAll: true });
    const shown = (order: CallOrder): string[] =>
      chooseCalls(now, { plugin: 'a', kind: 'all', query: '', order }).map(({ call }) => call);
    expect(shown('time')).toEqual(['quick', 'waited', 'long']);
    expect(shown('took')).toEqual(['long', 'waited', 'quick']);
    expect(shown('tool')).toEqual(['quick', 'waited', 'long']);
  });

  it('has of those that have ended the one that ran for longest before those that waited behind it', () => {
    const log = new CallLog();
    log.add(ended(1, 'older', { tookMs: 60 }));
    log.add(ended(2, 'culprit', { tookMs: 3_400, runMs: 3_400, slow: true }));
    log.add(ended(3, 'victim', { tookMs: 4_476, queueMs: 4_400, runMs: 76 }));
    log.add(ended(4, 'oldest', { tookMs: 70 }));
    const shown = chooseCalls(log.at({ seq: 9, at: 9_900 }), { plugin: 'a', kind: 'all', query: '', order: 'took' });
    expect(shown.map(({ call }) => call)).toEqual(['culprit', 'victim', 'oldest', 'older']);
  });

  it('says of each that has not ended what it is at, also at an instant before its end, and where that is not known', () => {
    const log = new CallLog();
    for (const [seq, name] of ['late', 'open', 'slow'].entries()) log.add(record(seq + 1, name));
    log.add(record(15, 'slow', { edge: 'slow', tookMs: 1_200, queueMs: 100, runMs: 1_100, usualMs: 3 }));
    log.add(ended(30, 'late', { tookMs: 2_900, queueMs: 1_000, loadMs: 900, runMs: 1_000 }));
    const at = (seq: number) =>
      log.at({ seq, at: seq * 100 }).map(({ call, part, parts }) => [call, part, parts.queue, parts.load, parts.run]);
    expect(at(5)).toEqual([
      ['late', 'queue', 400, 0, 0],
      ['open', undefined, 0, 0, 0],
      ['slow', 'run', 100, 0, 100],
    ]);
    expect(at(15)[0]).toEqual(['late', 'load', 1_000, 400, 0]);
    expect(at(22)[0]).toEqual(['late', 'run', 1_000, 900, 200]);
    expect(at(22)[2]).toEqual(['slow', 'run', 100, 0, 1_800]);
    const words = log.at({ seq: 15, at: 1_500 }).map(outcomeText);
    expect(words).toEqual(['waits for its worker to load', 'has not ended', 'runs']);
    expect(log.at({ seq: 15, at: 1_500 }).map(({ usualMs }) => usualMs)).toEqual([undefined, undefined, 3]);
  });
});

describe('a form', () => {
  it('is made of an object of texts, numbers, flags and choices, and of nothing else', () => {
    const properties = {
      text: { type: 'string', description: 'A text.' },
      count: { type: 'integer' },
      loud: { type: 'boolean' },
      mode: { enum: ['a', 1] },
      key: { type: 'string', writeOnly: true },
    };
    const fields = flatFields({ type: 'object', properties, required: ['text'] }) ?? [];
    expect(fields.map(({ kind, isRequired, isSecret }) => [kind, isRequired, isSecret])).toEqual([
      ['text', true, false],
      ['number', false, false],
      ['flag', false, false],
      ['choice', false, false],
      ['text', false, true],
    ]);
    expect(inputOf(fields, { text: '7', count: '7', loud: 'false', mode: '1', key: '' })).toEqual({
      ...{ text: '7', count: 7, loud: false, mode: 1 },
    });
    expect(() => inputOf(fields, { count: 'many' })).toThrow('count: expected a number, got "many".');
    for (const other of [
      undefined,
      {},
      { properties: {} },
      { properties: { list: { type: 'array' } } },
      { properties, anyOf: [] },
      { properties: { text: { $ref: '#/x' } } },
    ])
      expect(flatFields(other as never)).toBeUndefined();
  });

  it('gives the call as a command and as JavaScript, with a variable in the place of the token', () => {
    const request = { plugin: 'b', tool: 'read', input: { text: "it's" } };
    const daemon = { origin: 'http://127.0.0.1:1', pathname: '/inspector/' };
    expect(curlText(request, daemon)).toBe(
      `curl -N -H "Authorization: Bearer $GREENROOM_TOKEN" \\\n  --json '{"text":"it'\\''s"}' \\\n  'http://127.0.0.1:1/api/plugins/b/tools/read'`,
    );
    expect(curlText(request, { ...daemon, pathname: '/' })).toContain("'http://127.0.0.1:1/api/call'");
    expect(javaScriptText({ ...request, stream: true }, daemon)).toMatch(
      /token: process\.env\.GREENROOM_TOKEN.*for await \(const chunk of client\.stream\("b", .*, \{ tool: "read" \}\)\)/s,
    );
    expect(javaScriptText({ plugin: 'b' }, { ...daemon, pathname: '/' })).toBe(
      'console.log(await supervisor.execute("b", {}));',
    );
  });
});

const call = (page: Page, text: RegExp) => page.locator('.call-row').filter({ hasText: text });

describe.skipIf(CHROMIUM === undefined)('the calls on the page', () => {
  useBrowser();

  it('are listed with those that run first, filtered, and shown with what they were given and why they failed', async () => {
    const { bench, inspector } = await openSession(['other']);
    const { supervisor, folder } = bench;
    const page = await openPage(inspector.url);
    await rowOf(page, 'plugin:bench').click();
    await page.getByRole('tab', { name: 'Calls' }).click();
    await says(page, '.details-body .empty', /No calls at this instant/);
    await supervisor.execute('bench', { do: 'size', text: 'hello', password: 'hunter2' });
    await supervisor.execute('bench', { do: 'fail' }).catch(() => {});
    await supervisor.execute('other', { value: 'of the other' });
    const file = join(folder, 'file');
    const running = supervisor.execute('bench', { do: 'wait', for: file, value: 'late' });
    await call(page, /waiting/).waitFor();
    expect(await page.locator('.call-row').count()).toBe(3);
    expect(await page.locator('.call-row').first().getAttribute('data-state')).toBe('running');
    await says(page, '.calls-line', /2 ended · 1 failed · \d slow · p50/);
    await call(page, /waiting/).click();
    await says(page, '.call .facts', /0 % · waiting/);
    await says(page, '.call .facts', /Running for/);
    await says(page, '.call .code', /"do": "wait"/);
    expect(await page.getByRole('button', { name: 'Cancel this call' }).count()).toBe(0);
    writeFileSync(file, '');
    await running;
    await says(page, '.call-title', /went well/);
    await says(page, '.call .facts', /Took/);
    await says(page, '.call .code', /late/);
    await page.getByRole('button', { name: 'Failed', exact: true }).click();
    expect(await page.locator('.call-row').count()).toBe(1);
    await page.locator('.call-row').click();
    await says(page, '.call-title', /E_REMOTE · RangeError/);
    await says(page, '.call-error', /out of range/);
    await says(page, '.call .code', /RangeError: out of range[^]*workbench\.mjs/);
    await page.locator('.calls-kinds').getByRole('button', { name: 'All' }).click();
    await page.getByLabel('Only calls that contain').fill('e_rem');
    expect(await page.locator('.call-row').count()).toBe(1);
    await page.getByLabel('Only calls that contain').fill('');
    await call(page, /execute/)
      .nth(2)
      .click();
    await says(page, '.call .code', /"password": "\[redacted\]"/);
    await page.getByRole('button', { name: 'Show its start' }).click();
    await says(page, '.pill', /Paused/);
    // It began before there was a worker.
    await says(page, '.call-title', /is queued|waits for its worker to load/);
    expect(await page.locator('.call-row').count()).toBe(1);
    await page.keyboard.press('Escape');
    await rowOf(page, 'supervisor').click();
    await call(page, /other/).waitFor();
    expect(await page.locator('.call-row').count()).toBe(4);
  });

  it('say of each whether it runs or is queued, and of one that waited for longer than it ran how long that was', async () => {
    const { bench, inspector } = await openSession();
    const { supervisor, folder } = bench;
    await supervisor.load('bench');
    const page = await openPage(inspector.url);
    await rowOf(page, 'plugin:bench').click();
    await page.getByRole('tab', { name: 'Calls' }).click();
    const file = join(folder, 'file');
    const culprit = supervisor.execute('bench', { do: 'wait', for: file, value: 'culprit' });
    const victim = supervisor.execute('bench', { value: 'victim' });
    await call(page, /running.*waiting/).waitFor();
    await call(page, /queued/).click();
    expect(await call(page, /queued/).textContent()).not.toMatch(/runs|running/);
    await says(page, '.call-title', /is queued/);
    await says(page, '.call .code', /victim/);
    // Until it has waited for long enough to be told.
    await call(page, /queued.*1\.\d s/).waitFor();
    writeFileSync(file, '');
    await Promise.all([culprit, victim]);
    await call(page, /ran \d+(\.\d)? ms/).waitFor();
    await page.getByLabel('Order of the calls').selectOption('took');
    expect(await call(page, /ran \d/).getAttribute('aria-rowindex')).toBe('2');
    await page.locator('.calls-kinds').getByRole('button', { name: 'Slow' }).click();
    await page.locator('.calls .virtual[aria-rowcount="1"]').waitFor();
    await page.locator('.call-row').click();
    await says(page, '.call .code', /culprit/);
  });

  it('have the height of the tab while none is chosen, and all of the width for what they say of their progress', async () => {
    const { bench, inspector } = await openSession();
    for (let n = 0; n < 30; n += 1) await bench.supervisor.execute('bench', { value: n });
    const file = join(bench.folder, 'file');
    const message = 'summer 2019: 22 of 310 photos';
    const running = bench.supervisor.execute('bench', { do: 'report-and-wait', for: file, message });
    const page = await openPage(inspector.url);
    await rowOf(page, 'plugin:bench').click();
    await page.getByRole('tab', { name: 'Calls' }).click();
    const note = call(page, /50 % summer/).locator('.call-note');
    await note.waitFor();
    const heightOf = async (selector: string) => (await page.locator(selector).boundingBox())?.height ?? 0;
    for (const [width, height] of [
      [1_440, 900],
      [1_000, 800],
    ] as const) {
      await page.setViewportSize({ width, height });
      const [list, figures, both] = await Promise.all(
        ['.calls .virtual', '.calls .split-side', '.calls .split-panes'].map(heightOf),
      );
      expect(list).toBeGreaterThan((both as number) * 0.6);
      expect(figures).toBeGreaterThan(60);
    }
    await page.setViewportSize({ width: 1_440, height: 900 });
    expect(await note.innerText()).toBe(`50 % ${message}`);
    expect(await note.evaluate((cell) => cell.scrollWidth - cell.clientWidth)).toBe(0);
    await page.setViewportSize({ width: 390, height: 800 });
    await page.getByRole('tab', { name: 'Details', exact: true }).click();
    const tool = call(page, /50 % summer/).locator('.call-tool');
    await expect.poll(() => tool.evaluate((cell) => cell.scrollWidth - cell.clientWidth)).toBe(0);
    writeFileSync(file, '');
    await running;
  });

  it('are the failed ones beside any number of quick ones, and the page says how many it does not list', async () => {
    const { bench, inspector } = await openSession();
    for (let n = 0; n < 20_000; n += 1) {
      const trace = startTrace(bench.supervisor, 'bench', `made-${n}`, 'execute', 'quick', undefined);
      if (trace === undefined) throw new Error('Nobody watches calls.');
      const error = new GreenroomError('E_CRASHED', `failed as number ${n}`, { plugin: 'bench' });
      endTrace(trace, n % 1_000 === 999 ? error : undefined);
    }
    const page = await openPage(inspector.url);
    await rowOf(page, 'plugin:bench').click();
    await page.getByRole('tab', { name: 'Calls' }).click();
    await says(page, '.calls-line', /20,000 ended · 20 failed · 0 slow · .* · 19,[89]\d\d left out of the list$/);
    await page.getByRole('button', { name: 'Failed', exact: true }).click();
    // Only the rows in sight are in the document.
    await page.locator('.calls .virtual[aria-rowcount="20"]').waitFor();
    await page.getByLabel('Only calls that contain').fill('number 2999');
    await page.locator('.calls .virtual[aria-rowcount="1"]').waitFor();
    await call(page, /failed as number 2999/).waitFor();
  });

  it('are in a session file with their inputs and figures, and an older file opens too', async () => {
    const { bench, inspector, exported } = await openSession();
    await bench.supervisor.execute('bench', { value: 'kept in the file' });
    const text = await exported();
    const page = await openPage(inspector.url.split('#')[0] as string);
    const show = async (name: string, content: string): Promise<void> => {
      const file = join(bench.folder, name);
      writeFileSync(file, content);
      await page.locator('input[type=file]').setInputFiles(file);
      await says(page, '.pill', new RegExp(name));
      await rowOf(page, 'plugin:bench').click();
      await page.getByRole('tab', { name: 'Calls' }).click();
      await page.locator('.call-row').click();
    };
    await show('new.ndjson', text);
    await says(page, '.call .code', /kept in the file/);
    await says(page, '.calls-line', /1 ended/);
    const { header, records } = parseSession(text);
    const { calls: _, ...older } = header;
    const newer = new Set(['payload', 'payloadSize', 'queueMs', 'loadMs', 'runMs', 'generation']);
    const plain = records.map((each) =>
      Object.fromEntries(Object.entries(each).filter(([key]) => each.kind !== 'call' || !newer.has(key))),
    );
    await show('old.ndjson', [older, ...plain].map((line) => `${JSON.stringify(line)}\n`).join(''));
    await says(page, '.call-title', /went well/);
    expect(await page.locator('.calls-line').count()).toBe(0);
  });

  it('are cancelled one at a time, and made by the keyboard alone, as JSON or with a form', async () => {
    const { bench, inspector } = await openSession([], { control: true });
    bench.write('typed', {
      tools: [
        {
          name: 'execute',
          description: 'Gives back.',
          input_schema: { type: 'object', properties: { value: { type: 'string' }, n: { type: 'number' } } },
        },
      ],
    });
    await bench.supervisor.discover();
    const page = await openPage(inspector.url);
    await rowOf(page, 'plugin:bench').click();
    await page.getByRole('tab', { name: 'Calls' }).click();
    const ends = ['one', 'two'].map((name) =>
      bench.supervisor
        .execute('bench', { do: 'wait', for: join(bench.folder, name), value: name })
        .catch((error: { code: string }) => error.code),
    );
    await page.locator('.call-row').nth(1).waitFor();
    // The first runs, and says so; the second is queued behind it. While the worker starts, they stand the other way around.
    await call(page, /0 % waiting/).click();
    await says(page, '.call .code', /one"/);
    await page.getByRole('button', { name: 'Cancel this call' }).click();
    await says(page, '.call-title', /E_CANCELLED/);
    writeFileSync(join(bench.folder, 'two'), '');
    expect(await Promise.all(ends)).toEqual(['E_CANCELLED', 'two']);

    await page.getByRole('button', { name: 'Call …' }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('Input as JSON').focus();
    await page.keyboard.press('Control+a');
    await page.keyboard.type('{"value": ');
    await page.keyboard.press('Control+Enter');
    await says(page, '.call-form [role=status]', /The input is not JSON/);
    await page.keyboard.type('{"shown": true}}');
    await page.keyboard.press('Control+Enter');
    await says(page, '.page-result', /Done after .*"shown": true/s);
    await page.getByLabel('Input as JSON').fill('{"count": 3}');
    await page.getByLabel('as a stream').check();
    await page.getByRole('button', { name: 'Call', exact: true }).click();
    await says(page, '.page-result', /Done after .* · 3 chunks.*"index":2/s);
    await page.getByLabel('as a stream').uncheck();
    await page.getByLabel('Input as JSON').fill(JSON.stringify({ do: 'wait', for: join(bench.folder, 'never') }));
    await page.getByRole('button', { name: 'Call', exact: true }).click();
    await says(page, '.page-result', /Running · 0 % · waiting/);
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await says(page, '.page-result', /Cancelled/);
    await page.getByLabel('Input as JSON').fill(JSON.stringify('x'.repeat(2 ** 20)));
    await page.getByRole('button', { name: 'Call', exact: true }).click();
    await says(page, '.call-form [role=status]', /This call is 1\.0 MiB\. From this page it may be 1 MiB at most/);
    await page.getByLabel('Input as JSON').fill('{"value": 1}');
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    await says(page, '.call-form [role=status]', /Copied/);
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toContain('Bearer $GREENROOM_TOKEN');
    expect(copied).not.toContain(new URL(inspector.url).hash.replace('#token=', ''));
    const before = await page.locator('.page-calls li').count();
    await page.getByRole('button', { name: 'Again' }).last().click();
    await says(page, '.page-result', /"shown": true/);
    expect(await page.locator('.page-calls li').count()).toBe(before + 1);
    expect(page.url()).not.toContain('shown');

    await rowOf(page, 'plugin:typed').click();
    await says(page, '.call-form', /Gives back\./);
    await page.getByLabel('n', { exact: true }).fill('many');
    await page.getByLabel('value', { exact: true }).fill('typed in');
    await page.getByRole('button', { name: 'Call', exact: true }).click();
    await says(page, '.call-form [role=status]', /n: expected a number, got "many"/);
    await page.getByLabel('n', { exact: true }).fill('2');
    await page.getByLabel('n', { exact: true }).press('Enter');
    await says(page, '.page-result', /typed in/);
    await page.getByRole('button', { name: 'JSON', exact: true }).click();
    expect(await page.getByLabel('Input as JSON').inputValue()).toBe('{\n  "value": "typed in",\n  "n": 2\n}');
  });

  it('are chosen by a click on their bar in the lanes', async () => {
    const { bench, inspector } = await openSession();
    const page = await openPage(inspector.url);
    await bench.supervisor.load('bench');
    const file = join(bench.folder, 'file');
    const running = bench.supervisor.execute('bench', { do: 'wait', for: file });
    await rowOf(page, 'plugin:bench').filter({ hasText: /busy/ }).waitFor();
    const canvas = page.locator('.pane-lanes canvas');
    const box = await canvas.boundingBox();
    // The call runs up to the present, which is 3 % before the right edge; below the scale lies the first lane.
    await page.waitForFunction(() => document.querySelectorAll('.lanes-names li').length === 1);
    await expect
      .poll(async () => {
        await canvas.click({ position: { x: (box?.width ?? 0) * 0.965, y: 22 + 22 } });
        return page.locator('.call-title').count();
      })
      .toBe(1);
    await says(page, '.call-title', /bench · execute.*runs/);
    await says(page, '.pill', /Live/);
    writeFileSync(file, '');
    await running;
  });

  it('have no barrier that axe finds, in light and dark, wide and narrow', async () => {
    const { bench, inspector } = await openSession([], { control: true });
    await bench.supervisor.execute('bench', { do: 'fail' }).catch(() => {});
    await bench.supervisor.execute('bench', { value: 1 });
    const page = await openPage(inspector.url);
    await says(page, '.pill', /Live/);
    await rowOf(page, 'plugin:bench').click();
    for (const [colorScheme, width, height] of [
      ['light', 1_440, 900],
      ['dark', 1_280, 800],
      ['dark', 1_000, 800],
      ['light', 390, 800],
    ] as const) {
      await resize(page, colorScheme, width, height);
      if (width < 1_000) await page.getByRole('tab', { name: 'Details', exact: true }).click();
      await page.getByRole('tab', { name: 'Calls' }).click();
      await call(page, /E_REMOTE/).click();
      await says(page, '.call .code', /RangeError/);
      for (const part of ['call', 'form']) {
        if (part === 'form') {
          await page.getByRole('button', { name: 'Call …' }).click();
          await page.getByRole('button', { name: 'Call', exact: true }).click();
          await says(page, '.page-result', /Done/);
        }
        const shots = process.env['GREENROOM_SHOTS'];
        if (shots !== undefined) await page.screenshot({ path: join(shots, `${part}-${colorScheme}-${width}.png`) });
        expect(await overflowOf(page)).toBeLessThanOrEqual(0);
        // Around the details, all is as it was.
        const found = await barriersOf(page, part === 'call' ? undefined : '.pane-details');
        expect([width, part, found]).toEqual([width, part, []]);
      }
    }
  });
});
