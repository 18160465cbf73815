import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { request as ask, type ClientRequest } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LogLine, LogNews, LogPage } from '../../../src/inspector/wire-logs.ts';
import { eventuallyTrue } from '../../eventually.ts';
import { type Bench, endAfterTest, get, inspect, openBench } from '../bench.ts';

const START = Date.parse('2026-01-02T03:04:05.000Z');

const recordAt = (at: number, msg: string): string =>
  `${JSON.stringify({ level: 30, time: new Date(at).toISOString(), plugin: '', stream: 'stdout', generation: 1, msg })}\n`;

/** A supervisor with its inspector, and how its logs are asked for. */
async function open(names: readonly string[] = []) {
  const bench = await openBench();
  for (const name of names) bench.write(name);
  await bench.supervisor.discover();
  const { port, token, inspector } = await inspect(bench.inspected);
  const headers = { authorization: `Bearer ${token}` };
  const page = async (query: Record<string, string | number>): Promise<LogPage> => {
    const { status, body } = await get(port, `/api/logs?${queryOf(query)}`, headers);
    expect([status, body]).toEqual([200, body]);
    return JSON.parse(body) as LogPage;
  };
  return { bench, port, headers, inspector, page };
}

const queryOf = (query: Record<string, string | number>): string =>
  new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, String(value)])).toString();

function writeLog({ folder }: Bench, plugin: string, text: string, number = 0): void {
  mkdirSync(join(folder, 'logs'), { recursive: true });
  writeFileSync(join(folder, 'logs', `${plugin}.log${number === 0 ? '' : `.${number}`}`), text);
}

const textsOf = ({ lines }: { readonly lines: readonly LogLine[] }): string[] => lines.map(({ text }) => text);

/** A reader of `/api/logs/live`. Left after the test. */
function follow(port: number, headers: Record<string, string>, query: Record<string, string | number>) {
  const news: LogNews[] = [];
  let text = '';
  const sent: ClientRequest = ask({
    host: '127.0.0.1',
    port,
    path: `/api/logs/live?${queryOf(query)}`,
    agent: false,
    headers: { host: `127.0.0.1:${port}`, ...headers },
  });
  const ended = new Promise<void>((resolve) => sent.once('close', resolve));
  const begun = new Promise<void>((resolve) => {
    sent.on('response', (response) => {
      resolve();
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        const lines = (text + chunk).split('\n');
        text = lines.pop() ?? '';
        news.push(...lines.map((line) => JSON.parse(line) as LogNews));
      });
      response.on('error', () => {});
    });
  });
  sent.on('error', () => {});
  sent.end();
  endAfterTest(async () => {
    sent.destroy();
    await ended;
  });
  return { news, begun, ended, lines: () => news.flatMap(({ lines }) => lines) };
}

describe('the logs of the inspector', () => {
  it('are given by pages around a time, in both directions, to where the log begins and ends', async () => {
    const { bench, page } = await open();
    const lines = Array.from({ length: 500 }, (_, n) => recordAt(START + n * 10, `line ${n}`));
    writeLog(bench, 'old', lines.join(''));
    const middle = await page({ plugin: 'old', at: START + 2_500, count: 3 });
    expect(textsOf(middle)).toEqual(['line 248', 'line 249', 'line 250']);
    expect(middle.lines[0]).toMatchObject({ at: START + 2_480, plugin: 'old', generation: 1, stream: 'stdout' });
    expect(textsOf(await page({ plugin: 'old', at: START + 2_500, to: 'after', count: 2 }))).toEqual([
      'line 251',
      'line 252',
    ]);
    const all: string[] = [];
    let from = middle.lines[0]?.place;
    for (;;) {
      const { lines: older, next, isCut } = await page({ plugin: 'old', from: from as string });
      all.unshift(...textsOf({ lines: older }));
      from = next;
      if (next === undefined) {
        expect(isCut).toBe(false);
        break;
      }
    }
    expect(all).toEqual(Array.from({ length: 248 }, (_, n) => `line ${n}`));
    const last = await page({ plugin: 'old' });
    expect(textsOf(last).at(-1)).toBe('line 499');
    expect(await page({ plugin: 'old', to: 'after', from: last.lines.at(-1)?.place as string })).toEqual({ lines: [] });
    expect(await page({ plugin: 'none' })).toEqual({ lines: [], isCut: false });
  });

  it('say that older lines are no longer kept once there are as many files as are kept', async () => {
    const { bench, page } = await open();
    for (const number of [0, 1, 2, 3]) writeLog(bench, 'old', recordAt(START - number, `file ${number}`), number);
    const { lines, isCut, next } = await page({ plugin: 'old' });
    expect(textsOf({ lines })).toEqual(['file 3', 'file 2', 'file 1', 'file 0']);
    expect([isCut, next]).toEqual([true, undefined]);
  });

  it('of all plugins are one by time, page after page without a gap or a line twice', async () => {
    const names = ['a', 'b', 'c'];
    const { bench, page } = await open(names);
    const expected: string[] = [];
    for (let n = 0; n < 300; n += 1) for (const name of names) expected.push(`${name} ${n}`);
    // Several at the same millisecond, in two of the logs.
    for (const name of names) {
      const lines = Array.from({ length: 300 }, (_, n) => recordAt(START + Math.floor(n / 3) * 3, `${name} ${n}`));
      writeLog(bench, name, lines.join(''));
    }
    const byTime = expected.toSorted((one, other) => {
      const [a = '', n] = one.split(' ');
      const [b = '', m] = other.split(' ');
      const [x, y] = [Math.floor(Number(n) / 3), Math.floor(Number(m) / 3)];
      return x - y || (a < b ? -1 : a > b ? 1 : Number(n) - Number(m));
    });
    for (const to of ['before', 'after']) {
      const all: string[] = [];
      let query: Record<string, string | number> = { to, at: to === 'before' ? START + 1e6 : START - 1, count: 7 };
      for (;;) {
        const { lines, next } = await page(query);
        if (to === 'before') all.unshift(...textsOf({ lines }));
        else all.push(...textsOf({ lines }));
        if (next === undefined) break;
        query = { to, from: next, count: 7 };
      }
      expect(all).toEqual(byTime);
    }
  });

  it('are searched by what they show and by level, a stretch at a time', async () => {
    const { bench, page } = await open();
    const filler = 'x'.repeat(900);
    const lines = Array.from({ length: 9_000 }, (_, n) =>
      recordAt(START + n, n % 4_000 === 0 ? `[ERROR] app: Needle ${n}` : `${n} password=needle-${n} ${filler}`),
    );
    writeLog(bench, 'big', lines.join(''));
    const found: string[] = [];
    let asked = 0;
    let query: Record<string, string | number> = { plugin: 'big', text: 'needle' };
    for (;;) {
      const { lines: some, next, reached } = await page(query);
      found.unshift(...textsOf({ lines: some }));
      asked += 1;
      if (next === undefined) break;
      expect(reached).toBeGreaterThanOrEqual(START);
      query = { plugin: 'big', text: 'needle', from: next };
    }
    // Those whose word is in a secret only are not told.
    expect(found).toEqual(['[ERROR] app: Needle 0', '[ERROR] app: Needle 4000', '[ERROR] app: Needle 8000']);
    expect(asked).toBeGreaterThan(1);
    const { lines: bad } = await page({ plugin: 'big', level: 'warn' });
    expect(textsOf({ lines: bad }).at(-1)).toBe('[ERROR] app: Needle 8000');
  }, 20_000);

  it('refuse what they cannot read, without a token, and names that lead elsewhere', async () => {
    const { port, headers } = await open();
    expect((await get(port, '/api/logs')).status).toBe(401);
    expect((await get(port, '/api/logs/live')).status).toBe(401);
    for (const query of [
      'plugin=..%2Fa',
      'plugin=..',
      'at=soon',
      'from=1.2',
      'to=left',
      'count=1000',
      'count=0',
      'level=loud',
    ])
      expect([query, (await get(port, `/api/logs?${query}`, headers)).status]).toEqual([query, 400]);
    expect((await get(port, '/api/logs/live?level=loud', headers)).status).toBe(400);
  });

  it('are followed from the last line of a page, across plugins that come later, until the inspector is closed', async () => {
    const { bench, port, headers, inspector, page } = await open(['late']);
    const { supervisor } = bench;
    await supervisor.execute('bench', { do: 'say', text: 'first' });
    const seen = await eventuallyTrue(async () => {
      const found = await page({});
      return textsOf(found).includes('first') && found;
    });
    const own = follow(port, headers, { plugin: 'bench', from: seen.lines.at(-1)?.place as string });
    const all = follow(port, headers, { from: seen.lines.at(-1)?.place as string, text: 'ECO' });
    await Promise.all([own.begun, all.begun]);
    await supervisor.execute('late', { do: 'say', text: 'second, late' });
    await supervisor.execute('bench', { do: 'say', text: 'second' });
    await eventuallyTrue(() => own.lines().length > 0 && all.lines().length > 1);
    expect(own.lines().map(({ text }) => text)).toEqual(['second']);
    expect(all.lines().map(({ text, plugin }) => [plugin, text])).toEqual([
      ['late', 'second, late'],
      ['bench', 'second'],
    ]);
    await inspector.close();
    await Promise.all([own.ended, all.ended]);
  });

  it('that come faster than they are told are counted, and the latest are told', async () => {
    const { bench, port, headers } = await open();
    writeLog(bench, 'chatty', recordAt(START, 'begin'));
    const followed = follow(port, headers, { plugin: 'chatty' });
    await eventuallyTrue(() => followed.lines().length === 1);
    const file = join(bench.folder, 'logs', 'chatty.log');
    let count = 0;
    for (let burst = 0; burst < 3; burst += 1) {
      let text = '';
      for (let n = 0; n < 3_000; n += 1) text += recordAt(START + ++count, `line ${count}`);
      appendFileSync(file, text);
      const before = followed.news.length;
      await eventuallyTrue(() => followed.news.length > before);
    }
    await eventuallyTrue(() => followed.lines().at(-1)?.text === `line ${count}`);
    const left = followed.news.reduce((sum, each) => sum + each.left, 0);
    expect(left + followed.lines().length).toBe(count + 1);
    for (const { lines } of followed.news) expect(lines.length).toBeLessThanOrEqual(200);
    expect(left).toBeGreaterThan(0);
  });
});
