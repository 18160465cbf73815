// @ts-check
import { getEachMessage, sendMessage } from 'execa';
import { answer } from './answer.mjs';

for await (const message of getEachMessage()) {
  const { id, input } = /** @type {any} */ (message);
  await sendMessage({ id, output: answer(input) });
}
