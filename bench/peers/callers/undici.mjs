// @ts-check
import { BARE_NODE, startBare } from '../../lib/bare.mjs';

/** @param {string} folder */
export async function open(folder) {
  return {
    async start(/** @type {{ atOnce: number }} */ { atOnce }) {
      const { call, client, child, stop } = await startBare(BARE_NODE, folder, atOnce);
      return {
        call,
        async bytes(/** @type {Buffer} */ bytes) {
          const { body } = await client.request({ path: '/bytes', method: 'POST', body: bytes });
          return new Uint8Array(await body.arrayBuffer());
        },
        ...(child.pid === undefined ? {} : { pid: child.pid }),
        stop,
      };
    },
  };
}
