import { expect, test } from 'vitest';
import type { ClientSession } from '../../src/mcp/front-plugin.ts';
import { ServerNotices } from '../../src/mcp-front/server-notices.ts';

const LOG = 'notifications/message';
const LISTS = 'notifications/prompts/list_changed';

/** Clients of one plugin, by name, each busy or not. */
function clients(busy: Readonly<Record<string, boolean>>) {
  const notices = new ServerNotices();
  const told: string[] = [];
  const clientOf = new Map<string, ClientSession>();
  const stops = Object.entries(busy).map(([name, isBusy]) => {
    const owner = { capabilities: {}, ask: async () => ({}), onTold: () => () => {}, onEnd() {} };
    clientOf.set(name, owner);
    return notices.add('p', { owner, isBusy, tell: () => told.push(name) });
  });
  const note = (method: string, plugin = 'p', owner?: string): string[] => {
    told.length = 0;
    const its = owner === undefined ? undefined : clientOf.get(owner);
    notices.note({ plugin, isOfCopy: false, owner: its, method, params: {} });
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

test('what the process of one client tells goes to that client alone, whoever is busy', () => {
  const { note } = clients({ a: true, b: false });
  for (const method of [LOG, LISTS, 'notifications/elicitation/complete'])
    expect(note(method, 'p', 'b')).toEqual(['b']);
});

test('what else a server tells goes to none', () => {
  expect(clients({ a: true }).note('notifications/elicitation/complete')).toEqual([]);
});
