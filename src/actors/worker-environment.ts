/** What a worker's environment is made from. */
export interface EnvironmentSources {
  readonly host: Readonly<Record<string, string | undefined>>;
  /** Names, or patterns in which `*` stands for anything, of further variables to take from the host. */
  readonly pass: readonly string[];
  /** Variables that the manifest sets; they win. */
  readonly set: Readonly<Record<string, unknown>>;
  readonly python: boolean;
}

/**
 * The variables every worker gets: what programs need to find files, speak the user's language and use a GPU. The last
 * line is what Windows cannot start a process without.
 */
const ALLOWED = [
  ...['PATH', 'HOME', 'LANG', 'LC_*', 'TMPDIR', 'TZ', 'USER'],
  ...['CUDA_*', 'NVIDIA_*', 'LD_LIBRARY_PATH'],
  ...(process.platform === 'win32'
    ? [
        'SystemRoot',
        'SystemDrive',
        'ComSpec',
        'PATHEXT',
        'TEMP',
        'TMP',
        'USERPROFILE',
        'APPDATA',
        'LOCALAPPDATA',
        'ProgramData',
      ]
    : []),
];

/** By these, classes written for the system that Greenroom replaces find their data. */
const PYTHON_ALLOWED = ['CJM_*'];

/** What fits any of the patterns, in which `*` stands for anything. Windows knows no case in names. */
function anyOf(patterns: readonly string[]): RegExp {
  const sources = patterns.map((pattern) => pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*'));
  return new RegExp(`^(?:${sources.join('|')})$`, process.platform === 'win32' ? 'i' : '');
}

/** The whole environment of a worker: the allowlist, what is passed on purpose, and what the manifest sets. */
export function workerEnvironment({ host, pass, set, python }: EnvironmentSources): Record<string, string> {
  const passed = anyOf([...ALLOWED, ...(python ? PYTHON_ALLOWED : []), ...pass]);
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(host)) {
    if (value !== undefined && passed.test(name)) env[name] = value;
  }
  if (python) env['PYTHONUNBUFFERED'] = '1';
  for (const [name, value] of Object.entries(set)) env[name] = String(value);
  return env;
}
