import { expect, test } from 'vitest';
import { readEvents } from '../../src/client/server-events.ts';

async function* cut(text: string, size: number): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
}

test('events are read alike however their text is cut', async () => {
  const text =
    ':\n\nid: a-1\nevent: chunk\ndata: {"x":1}\n\ndata:two\r\ndata: lines\r\n\r\nevent: none\n\nid: a-2\ndata: unfinished';
  for (let size = 1; size <= text.length; size += 1) {
    const events = [];
    for await (const event of readEvents(cut(text, size))) events.push(event);
    expect(events).toEqual([
      { id: 'a-1', event: 'chunk', data: '{"x":1}' },
      { id: undefined, event: 'message', data: 'two\nlines' },
    ]);
  }
});
