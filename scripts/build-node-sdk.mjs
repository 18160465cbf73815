// Bundles the programs of the Node worker into dist/node-sdk/, each into one file: a worker starts a third faster when
// Node has not to find and read some thirty modules.
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const path = (/** @type {string} */ name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

for (const name of ['host', 'control-thread', 'index']) {
  await build({
    input: path(`src/node-sdk/${name}.ts`),
    platform: 'node',
    output: { file: path(`dist/node-sdk/${name}.js`), format: 'esm', codeSplitting: false },
  });
}
