import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { RequestBody } from '../../src/proxy/request-body.ts';

test('a body that nobody reads may break: its watcher alone is told', async () => {
  const source = new Readable({ read() {} });
  const told: string[] = [];
  const body = new RequestBody(source, {
    onWanted() {},
    onChunk() {},
    onBroken: (error) => void told.push(error.message),
  });
  const closed = new Promise((resolve) => {
    body.once('close', resolve);
  });
  source.destroy(new Error('broken'));
  await closed;
  expect([told, body.errored?.message]).toEqual([['broken'], 'broken']);
});
