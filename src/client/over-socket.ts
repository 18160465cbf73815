/**
 * Options of `request` of `node:http` for a Unix socket. Without a name it works out one for TLS, which is not used here, and
 * for which Node 20 compiles a regular expression for some 10 ms: a sixth of a call on the command line.
 */
export function overSocket(socketPath: string): { readonly socketPath: string; readonly servername: string } {
  return { socketPath, servername: '' };
}
