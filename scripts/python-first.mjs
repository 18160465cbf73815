// @ts-check
// What tests and benchmarks start as `python3`.
import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { delimiter } from 'node:path';

const PRINT = 'import os, sys; print(os.path.realpath(sys.executable)); print(os.path.dirname(sys.executable))';

/**
 * Puts Python's interpreter itself first on the path of this process, and of those that it starts, where `python3` is the
 * script of a version manager, as pyenv's is. Such a script asks in a shell which interpreter to run. That takes several
 * times as long as Python's own start, which is what benchmarks mean, and tests start hundreds of workers.
 */
export default function putPythonFirst() {
  const asked = spawnSync('python3', ['-c', PRINT], { encoding: 'utf8' });
  const { stdout: found } = spawnSync('sh', ['-c', 'command -v python3'], { encoding: 'utf8' });
  if (asked.status !== 0 || found === null) return;
  const [interpreter = '', folder = ''] = asked.stdout.split('\n');
  if (realpathSync(found.trim()) !== interpreter) process.env['PATH'] = `${folder}${delimiter}${process.env['PATH']}`;
}
