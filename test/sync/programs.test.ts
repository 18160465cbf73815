import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { FIXTURES } from '../fixtures/plugins.ts';
import { openSupervisor } from '../runtime/greenroom.ts';

const run = promisify(execFile);
const SYNC = fileURLToPath(new URL('../../dist/sync/index.js', import.meta.url));

/** Writes programs that make a call, and gives the folder. */
async function programs(): Promise<string> {
  const { scratch, dataDir } = await openSupervisor({});
  const options = JSON.stringify({ searchPaths: [join(FIXTURES, 'workbench')], dataDir, watch: false });
  const call = `const supervisor = createSupervisor(${options});
    console.log(supervisor.execute('workbench', { do: 'echo', value: 'called' }));`;
  const files = {
    'module.mjs': `import { createSupervisor } from ${JSON.stringify(SYNC)}; ${call}`,
    'common.cjs': `const { createSupervisor } = require(${JSON.stringify(SYNC)}); ${call}`,
    'thread.mjs': `import { Worker } from 'node:worker_threads'; new Worker(new URL('module.mjs', import.meta.url));`,
    'preload.mjs': `console.log('preloaded');`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(scratch, name), text);
  return scratch;
}

test.each(['module.mjs', 'common.cjs', 'thread.mjs'])('blocking calls work in %s', async (program) => {
  const folder = await programs();
  const { stdout } = await run(process.execPath, [join(folder, program)]);
  expect(stdout).toBe('called\n');
});

test('the flags of the program are not those of the threads', async () => {
  const folder = await programs();
  const { stdout } = await run(process.execPath, ['--import', join(folder, 'preload.mjs'), join(folder, 'module.mjs')]);
  expect(stdout).toBe('preloaded\ncalled\n');
});
