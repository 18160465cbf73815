import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAKE_WHEEL = fileURLToPath(new URL('../fixtures/python-envs/make-wheel.py', import.meta.url));

/** A Python that is no script which looks for one. */
export const PYTHON = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();

/** Settings of this machine that tests must not depend on. */
export const NO_SETTINGS = { PIP_CONFIG_FILE: '/dev/null', PIP_FIND_LINKS: '', PIP_INDEX_URL: '', UV_FIND_LINKS: '' };

const wheels = new Map<string, Buffer>();

/** Makes a wheel of one module, which has its `version` and a script of its name. Each is built once for a test file. */
export function makeWheel(folder: string, name: string, version: string, tag = 'py3-none-any'): void {
  const file = `${name}-${version}-${tag}.whl`;
  const built = wheels.get(file);
  if (built === undefined) {
    execFileSync(PYTHON, [MAKE_WHEEL, folder, name, version, tag]);
    wheels.set(file, readFileSync(join(folder, file)));
  } else {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, file), built);
  }
}

/** Writes a file, and gives its path. */
export function write(file: string, text: string, mode = 0o644): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode });
  chmodSync(file, mode);
  return file;
}

/** A Python in which these modules cannot be imported, as Debian divides it into packages. */
export function pythonWithout(folder: string, modules: readonly string[]): string {
  const hides = modules.map((module) => `sys.modules[${JSON.stringify(module)}] = None\n`).join('');
  write(join(folder, 'hidden', 'sitecustomize.py'), `import sys\n${hides}`);
  return write(join(folder, 'python3'), `#!/bin/sh\nPYTHONPATH='${folder}/hidden' exec '${PYTHON}' "$@"\n`, 0o755);
}

/** A uv that notes what it is told in `runs`, and does it by a Python and its pip. */
export function stubOfUv(folder: string): string {
  return write(
    join(folder, 'uv'),
    `#!/bin/sh
echo "$@" >>'${folder}/runs'
case "$1 $2" in
  '--version ') echo 'uv 0.0.7' ;;
  'venv --no-project') exec "$4" -m venv --without-pip "$5" ;;
  'pip install') exec '${PYTHON}' -m pip --python "$4" install -r "$6" ;;
  *) exit 2 ;;
esac
`,
    0o755,
  );
}
