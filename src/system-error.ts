/**
 * What the host or the machine is short of, by the code of the system call's error (errno(3)). Each of these passes by
 * itself: the same call works again once there is enough.
 */
const SHORTAGES: Readonly<Record<string, string>> = {
  EMFILE: 'this program has no file descriptor left (see ulimit -n)',
  ENFILE: 'the system has no file descriptor left',
  EAGAIN: 'no further process or connection can be had now (see ulimit -u and the pids limit of the container)',
  ENOMEM: 'the system has no memory left for it',
  ENOBUFS: 'the system has no memory left for sockets',
  EADDRNOTAVAIL: 'no local port is left to connect from',
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'the disk quota is used up',
  ETXTBSY: 'the program is being written',
  EBUSY: 'the file is in use',
  EINTR: 'the system call was interrupted',
  EIO: 'the disk answered with an error',
  ESTALE: 'the network file system has lost the file',
};

/** The code of a system call's error, such as `ENOENT`; undefined for any other value. */
export function systemCodeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/**
 * What is short, as the end of a sentence, if a system call failed for a shortage that passes by itself. The error may
 * be anywhere among the causes of the one that is given.
 */
export function shortageIn(error: unknown): string | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 10; cause = cause.cause, depth++) {
    const code = isUnopenedPackage(cause) ? 'EMFILE' : systemCodeOf(cause);
    if (code !== undefined && Object.hasOwn(SHORTAGES, code)) return SHORTAGES[code];
  }
  return undefined;
}

/** From Node 26 on, that a package.json could not be opened for want of descriptors is told as if it were not valid. */
function isUnopenedPackage(error: Error): boolean {
  return (
    'code' in error && error.code === 'ERR_INVALID_PACKAGE_CONFIG' && error.message.includes('too many open files')
  );
}
