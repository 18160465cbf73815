/** What a worker's environment is made from. */
export interface EnvironmentSources {
  readonly host: Readonly<Record<string, string | undefined>>;
  /** Names, or patterns in which `*` stands for anything, of further variables to take from the host. */
  readonly pass: readonly string[];
  /** Variables that the kind or the manifest sets; they win. */
  readonly set: Readonly<Record<string, unknown>>;
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

/**
 * What systemd tells this process alone. A worker that had it could report for the daemon, or wait for sockets that it
 * was not given, so that no pattern passes it on, not even `*`; a manifest may still set a variable of its own.
 */
const OWN = new Set([
  'NOTIFY_SOCKET',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
  'LISTEN_PID',
  'LISTEN_FDS',
  'LISTEN_FDNAMES',
  'LISTEN_PIDFDID',
]);

/** Windows knows no case in names. */
const comparable = (name: string): string => (process.platform === 'win32' ? name.toUpperCase() : name);

/**
 * Whether a name fits a pattern, which is given as its parts between `*`. No regular expression: one with many stars
 * tries all ways to divide a name among them, which need not end in a lifetime.
 */
function fits(name: string, [head = '', ...parts]: readonly string[]): boolean {
  const tail = parts.pop();
  if (tail === undefined) return name === head;
  const end = name.length - tail.length;
  if (!name.startsWith(head) || !name.endsWith(tail) || end < head.length) return false;
  let at = head.length;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= end;
}

/** The whole environment of a worker: the allowlist, what is passed on purpose, and what the manifest sets. */
export function workerEnvironment({ host, pass, set }: EnvironmentSources): Record<string, string> {
  const allowed = [...ALLOWED, ...pass];
  const patterns = allowed.map((pattern) => comparable(pattern).split('*'));
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(host)) {
    if (value === undefined || OWN.has(name)) continue;
    const compared = comparable(name);
    if (patterns.some((pattern) => fits(compared, pattern))) env[name] = value;
  }
  for (const [name, value] of Object.entries(set)) env[name] = String(value);
  return env;
}
