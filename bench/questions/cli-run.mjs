// @ts-check
// What does a call cost on the command line beyond the start of Node, where a daemon runs?
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { withFolder } from '../lib/host.mjs';
import { limitRow, median } from '../lib/measure.mjs';

const COMMAND = fileURLToPath(new URL('../../bin/greenroom.js', import.meta.url));
const PLUGINS = fileURLToPath(new URL('../plugins', import.meta.url));

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withFolder(async (folder) => {
    const places = ['--data-dir', folder, '--search-path', PLUGINS];
    const daemon = spawn(process.execPath, [COMMAND, 'serve', ...places], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(daemon.stdout, 'data');
      /** @param {readonly string[]} args */
      const run = (args) => {
        const start = performance.now();
        const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
        if (status !== 0) throw new Error(stderr);
        return performance.now() - start;
      };
      const call = [COMMAND, 'run', 'bench-node', '{"n":1}', '--json', ...places];
      run(call);
      const beyond = [];
      for (let round = 0; round < (bench.quick ? 7 : 21); round += 1) beyond.push(run(call) - run(['-e', '0']));
      return [limitRow('greenroom run at a daemon, beyond the start of Node', 'ms', median(beyond), { atMost: 60 })];
    } finally {
      daemon.kill();
      await once(daemon, 'exit');
    }
  });
