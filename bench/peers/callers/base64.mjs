// @ts-check
/** Sends bytes through calls that have only JSON. @param {(input: object) => Promise<any>} call */
export function throughBase64(call) {
  return async (/** @type {Buffer} */ bytes) =>
    Buffer.from((await call({ base64: bytes.toString('base64') })).base64, 'base64');
}
