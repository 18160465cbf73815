// @ts-check
import assert from 'node:assert/strict';
import { PAYLOADS } from './questions.mjs';

/** Rejects unless everything that is sent to a worker comes back as it was. @param {import('./peers.mjs').Worker} worker */
export async function assertAnswers(worker) {
  for (const object of PAYLOADS.objects) {
    assert.deepEqual(await worker.call(object), object, 'an object did not come back as it was sent');
  }
  const bytes = await worker.bytes(PAYLOADS.bytes);
  assert.ok(PAYLOADS.bytes.equals(bytes), 'bytes did not come back as they were sent');
}
