// @ts-check
import { setTimeout } from 'node:timers/promises';

/** @satisfies {import('greenroom/worker').Plugin<unknown, { count?: number, spinMs?: number, waitMs?: number }>} */
export default {
  name: 'bench-node',

  async execute(input, ctx) {
    if (input.spinMs !== undefined) {
      ctx.progress(0);
      const end = Date.now() + input.spinMs;
      while (Date.now() < end);
    }
    if (input.waitMs !== undefined) await setTimeout(input.waitMs);
    return input;
  },

  async *stream({ count = 0 }) {
    for (let index = 0; index < count; index += 1) yield { index };
  },
};
