import { expect, test } from 'vitest';
import type { RequestLease } from '../../src/calls/request-lease.ts';
import { withUpstream } from '../../src/calls/with-upstream.ts';
import { GreenroomError } from '../../src/errors.ts';

const lost = new GreenroomError('E_CRASHED', 'The worker is gone.', { plugin: 'a' });

/** A lease whose worker is lost at each try. */
function lease(isReached: boolean) {
  return {
    signal: new AbortController().signal,
    enter: async () => ({ channel: { upstream: { isReached } } }),
    explain: async (error: GreenroomError, mayHaveArrived: boolean) => ({ error, isUnsent: !mayHaveArrived }),
    leave() {},
    end() {},
  } as unknown as RequestLease;
}

async function triesWhere(isReached: boolean): Promise<number> {
  let tries = 0;
  const send = async (): Promise<never> => {
    tries += 1;
    throw lost;
  };
  await expect(withUpstream('a', lease(isReached), send)).rejects.toBe(lost);
  return tries;
}

test('a request is sent again where its worker is lost before anything was connected to it', async () => {
  expect(await triesWhere(false)).toBe(3);
});

test('a request that may have arrived is not sent again', async () => {
  expect(await triesWhere(true)).toBe(1);
});
