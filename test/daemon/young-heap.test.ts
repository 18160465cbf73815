import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const PROGRAM = `
import { getHeapSpaceStatistics } from 'node:v8';
import { keepYoungHeapSmall } from ${JSON.stringify(new URL('../../dist/daemon/young-heap.js', import.meta.url).href)};
const size = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size;
function work() {
  let kept = [];
  for (let count = 0; count < 2e6; count += 1) {
    kept.push({ count });
    if (kept.length > 1e5) kept = [];
  }
  return size();
}
const letGrow = keepYoungHeapSmall();
const before = size();
const kept = work();
letGrow();
console.log(JSON.stringify({ before, kept, grown: work() }));
`;

test('the young part of the heap stays as small as before while it is kept small, and then as much as it needs', () => {
  const args = ['--input-type=module', '-e', PROGRAM];
  const { before, kept, grown } = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
  // Both of its halves may be in use, where one was before.
  expect(kept).toBeLessThanOrEqual(2 * before);
  expect(grown).toBeGreaterThan(2 * before);
});
