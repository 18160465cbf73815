import { readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { type History, makeHistory, repeatHistory } from './histories.ts';

/**
 * What the plugin machine did, recorded before it was changed. `RECORD=1 npx vitest run test/machines/histories.test.ts`
 * records anew, which is right only where it is to do something else than before.
 */
const RECORDED = new URL('../fixtures/histories.br', import.meta.url);
const COUNT = 10_000;

if (process.env['RECORD'] !== undefined) {
  const made: History[] = [];
  for (let seed = 1; seed <= COUNT; seed += 1) made.push(await makeHistory(seed));
  writeFileSync(RECORDED, brotliCompressSync(made.join('\n\n')));
}

test('whatever happens to a plugin, it does what it did: transitions, messages, workers, calls', {
  timeout: 300_000,
}, async () => {
  const recorded = brotliDecompressSync(readFileSync(RECORDED)).toString().split('\n\n');
  expect(recorded).toHaveLength(COUNT);
  for (const history of recorded) expect(await repeatHistory(history)).toBe(history);
});
