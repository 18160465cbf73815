// @ts-check
export { answer as default } from './answer.mjs';
