// @ts-check
import { answer } from './answer.mjs';

process.on('message', (/** @type {any} */ { id, input }) => process.send?.({ id, output: answer(input) }));
