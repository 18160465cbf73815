import { expect, test } from 'vitest';
import { ServerNotices } from '../../src/mcp-front/server-notices.ts';

const LOG = 'notifications/message';
const LISTS = 'notifications/prompts/list_changed';

/** Clients of one plugin, by name, each busy or not. */
function clients(busy: Readonly<Record<string, boolean>>) {
  const notices = new ServerNotices();
  const told: string[] = [];
  const stops = Object.entries(busy).map(([name, isBusy]) => notices.add('p', { isBusy, tell: () => told.push(name) }));
  const note = (method: string, plugin = 'p'): string[] => {
    told.length = 0;
    notices.note({ plugin, method, params: {} });
    return [...told];
  };
  return { note, stops };
}

test('a log goes to the one client that the server works for', () => {
  expect(clients({ a: false, b: true, c: false }).note(LOG)).toEqual(['b']);
});

test('a log goes to the only client while the server works for none', () => {
  expect(clients({ a: false }).note(LOG)).toEqual(['a']);
});

test('a log that could be that of another client goes to none', () => {
  expect(clients({ a: true, b: true }).note(LOG)).toEqual([]);
  expect(clients({ a: false, b: false }).note(LOG)).toEqual([]);
});

test('a list that has changed is told to every client of that plugin until it has gone', () => {
  const { note, stops } = clients({ a: true, b: false });
  expect(note(LISTS)).toEqual(['a', 'b']);
  expect(note(LISTS, 'q')).toEqual([]);
  stops[0]?.();
  expect(note(LISTS)).toEqual(['b']);
});

test('what else a server tells goes to none', () => {
  expect(clients({ a: true }).note('notifications/elicitation/complete')).toEqual([]);
});
