// @ts-check
// How long does it take to read 10,000 manifests?
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifestSchema } from '../../dist/manifest/schema.js';
import { createManifestSource } from '../../dist/manifest/source.js';
import { withFolder, writeManifests } from '../lib/host.mjs';
import { compare, ratioRow, timed } from '../lib/measure.mjs';

const MANIFESTS = 10_000;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withFolder(async (folder) => {
    writeManifests(folder, MANIFESTS);
    const reference = () =>
      timed(() => {
        const found = readdirSync(folder).map((name) =>
          manifestSchema.parse(JSON.parse(readFileSync(join(folder, name, 'manifest.json'), 'utf8'))),
        );
        if (found.length !== MANIFESTS) throw new Error(`${found.length} manifests were read.`);
      });
    const subject = () =>
      timed(async () => {
        const source = createManifestSource({
          searchPaths: [folder],
          watch: false,
          onChanges: () => {},
          onProblems: () => {},
        });
        const found = await source.discover();
        if (found.length !== MANIFESTS) throw new Error(`${found.length} manifests were found.`);
      });
    const comparison = await compare({ reference, subject }, { repetitions: bench.repetitions, warmup: 3 });
    return [ratioRow(`discover ${MANIFESTS.toLocaleString('en')} manifests`, 'ms', comparison, { atMost: 1.3 })];
  });
