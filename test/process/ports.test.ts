import { expect, test } from 'vitest';
import { holdPort } from '../../src/process/ports.ts';

test('a port of which the system cannot say whether it is free is not held', async () => {
  const tried: number[] = [];
  const failing = holdPort((port) => {
    tried.push(port);
    return Promise.reject(Object.assign(new Error('listen EMFILE'), { code: 'EMFILE' }));
  });
  await expect(failing).rejects.toThrow('EMFILE');
  const held = await holdPort((port) => Promise.resolve(port === tried[0]));
  expect([tried.length, held.port]).toEqual([1, tried[0]]);
  await expect(holdPort((port) => Promise.resolve(port === held.port))).rejects.toThrow('in use');
  held.release();
});
