// @ts-check
import { answer } from './answer.mjs';

/** @satisfies {import('greenroom/worker').Plugin<unknown, { base64?: string, pid?: true }>} */
export default { name: 'answer', execute: async (input) => answer(input) };
