// @ts-check
/**
 * What every worker in Node answers: its input. Bytes that came as base64 are decoded and encoded again, as by a worker
 * that uses them.
 *
 * @param {{ base64?: string, pid?: true }} input
 */
export function answer(input) {
  if (input.pid) return { pid: process.pid };
  if (input.base64 === undefined) return input;
  return { base64: Buffer.from(input.base64, 'base64').toString('base64') };
}
