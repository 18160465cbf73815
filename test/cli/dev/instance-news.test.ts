import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { drawBoard } from '../../../src/cli/dev/board.ts';
import { InstanceNews, type PluginSight } from '../../../src/cli/dev/instance-news.ts';
import { createStyle } from '../../../src/cli/terminal/style.ts';
import type { PluginPhase, PluginState } from '../../../src/machines/plugin.ts';
import type { PluginSnapshot } from '../../../src/runtime/plugin-snapshot.ts';

const plain = createStyle(new PassThrough() as unknown as NodeJS.WriteStream);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** The news of the plugin `p`, of whose instances is told by generation, state and phase. */
function newsOf(sight: Partial<PluginSight> = {}) {
  const lines: string[] = [];
  const news = new InstanceNews(
    (line) => lines.push(stripVTControlCharacters(line).slice('00:00:00 '.length)),
    { isCrashed: () => false, isReplacing: () => false, ...sight },
    plain,
  );
  const note = (generation: number, to: PluginState, phase: PluginPhase, reason?: string): void =>
    news.note({ plugin: 'p', generation, from: 'discovered', to, phase, at: 0, reason });
  return { news, note, lines };
}

test('growth within a second is one line, and so is shrinking', () => {
  const { note, lines } = newsOf();
  note(1, 'ready', 'ready');
  vi.advanceTimersByTime(1_000);
  expect(lines).toEqual([]);
  for (const generation of [2, 3, 4]) {
    note(generation, 'spawning', 'launching');
    note(generation, 'ready', 'ready');
    note(generation, 'busy', 'serving');
    note(generation, 'ready', 'ready');
  }
  vi.advanceTimersByTime(1_000);
  expect(lines).toEqual(['▲ p: 1 → 4 instances']);
  for (const generation of [4, 3]) note(generation, 'busy', 'draining');
  for (const generation of [4, 3]) note(generation, 'discovered', 'idle');
  vi.advanceTimersByTime(1_000);
  expect(lines.slice(1)).toEqual(['▼ p: 4 → 2 instances']);
});

test('lost instances are one line with the last reason, and one more where fewer are left', () => {
  const { note, lines } = newsOf();
  for (const generation of [1, 2, 3]) note(generation, 'ready', 'ready');
  vi.advanceTimersByTime(1_000);
  lines.length = 0;
  note(2, 'crashed', 'deciding', 'It died.');
  note(4, 'ready', 'ready');
  vi.advanceTimersByTime(1_000);
  expect(lines).toEqual(['✖ p lost instance #2; 3 serving. It died.']);
  note(3, 'crashed', 'deciding', 'It died.');
  note(4, 'crashed', 'deciding', 'It died again.');
  vi.advanceTimersByTime(1_000);
  expect(lines.slice(1)).toEqual(['✖ p lost instances #3, #4; 1 serving. It died again.', '▼ p: 3 → 1 instances']);
});

test('the last instance is told of as the plugin', () => {
  const { note, lines, news } = newsOf({ isCrashed: () => true });
  note(1, 'ready', 'ready');
  note(1, 'crashed', 'deciding', 'It died.');
  news.close();
  expect(lines).toEqual([]);
});

test('a replacement of all instances, which changes their number for a while, is no news', () => {
  let replacing = false;
  const { note, lines } = newsOf({ isReplacing: () => replacing });
  for (const generation of [1, 2]) note(generation, 'ready', 'ready');
  vi.advanceTimersByTime(1_000);
  replacing = true;
  for (const generation of [3, 4]) {
    note(generation, 'ready', 'ready');
    vi.advanceTimersByTime(1_000);
    note(generation - 2, 'discovered', 'stopping');
    vi.advanceTimersByTime(1_000);
  }
  replacing = false;
  vi.advanceTimersByTime(1_000);
  expect(lines).toEqual(['▲ p: 0 → 2 instances']);
});

test('what is not told yet is told at the end', () => {
  const { note, lines, news } = newsOf();
  for (const generation of [1, 2]) note(generation, 'ready', 'ready');
  news.close();
  expect(lines).toEqual(['▲ p: 0 → 2 instances']);
  vi.advanceTimersByTime(10_000);
  expect(lines).toHaveLength(1);
});

test('the board counts the states of instances where a plugin has several', () => {
  const plugin = (name: string, states: readonly PluginState[]) =>
    ({
      ...{ name, state: 'busy', phase: 'serving', since: 0, pid: 7, inFlight: 3, waiting: 0, restarts: 0 },
      instances: states.map((state, index) => ({ generation: index + 1, state })),
    }) as unknown as PluginSnapshot;
  const board = (plugins: readonly PluginSnapshot[]): string[] =>
    drawBoard({ plugins, memory: new Map(), now: 0 }, 10, 100, plain);
  const pool = plugin('pool', ['busy', 'ready', 'busy', 'discovered']);
  const [head, ofPool, ofOne] = board([pool, plugin('one', ['busy'])]);
  expect(head).toMatch(/^ {2}PLUGIN +STATE +INSTANCES +FOR /);
  expect(ofPool).toMatch(/^● pool +busy serving +4: 2 busy, 1 ready, 1 stopping +0 ms /);
  expect(ofOne).toMatch(/^● one +busy serving +0 ms /);
  expect(board([plugin('one', ['busy'])])[0]).toMatch(/PLUGIN +STATE +FOR/);
});
