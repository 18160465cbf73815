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

const caseOf = (name: string): string => (process.platform === 'win32' ? name.toUpperCase() : name);

/** Whether a name fits any of the patterns, in which `*` stands for anything. Windows knows no case in names. */
function anyOf(patterns: readonly string[]): (name: string) => boolean {
  const names = new Set<string>();
  const wild: string[][] = [];
  for (const pattern of patterns) {
    if (pattern.includes('*')) wild.push(caseOf(pattern).split('*'));
    else names.add(caseOf(pattern));
  }
  return (given) => {
    const name = caseOf(given);
    return names.has(name) || wild.some((parts) => hasParts(name, parts));
  };
}

/** Whether a name consists of these parts in their order, with anything between them. The first place of each will do. */
function hasParts(name: string, parts: readonly string[]): boolean {
  const [first = '', ...others] = parts;
  const last = others.pop() ?? '';
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let from = first.length;
  for (const part of others) {
    const found = name.indexOf(part, from);
    if (found === -1) return false;
    from = found + part.length;
  }
  return from <= name.length - last.length;
}

/** The whole environment of a worker: the allowlist, what is passed on purpose, and what the manifest sets. */
export function workerEnvironment({ host, pass, set, python }: EnvironmentSources): Record<string, string> {
  const passed = anyOf([...ALLOWED, ...pass]);
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(host)) {
    if (value !== undefined && passed(name)) env[name] = value;
  }
  if (python) env['PYTHONUNBUFFERED'] = '1';
  for (const [name, value] of Object.entries(set)) env[name] = String(value);
  return env;
}
