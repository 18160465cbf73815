import { workerEnvironment } from '../worker-kinds/worker-environment.ts';

/**
 * What a server gets of the environment beside what every worker gets. Clients run servers with nearly all of it; MCP's own
 * SDK passes on the names of the first two lines (the second is for Windows). The others are what `npx`, `uvx` and `docker`
 * need to download a server, or to find a container's daemon.
 */
export const PASSED_VARIABLES: readonly string[] = [
  ...['LOGNAME', 'SHELL', 'TERM'],
  ...['HOMEDRIVE', 'HOMEPATH', 'PROCESSOR_ARCHITECTURE', 'PROGRAMFILES', 'USERNAME'],
  ...['*_PROXY', '*_proxy', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_DIR', 'SSL_CERT_FILE'],
  ...['XDG_*', 'DOCKER_*'],
];

/** Whether a server has a variable that its configuration does not name. */
export function isPassed(name: string): boolean {
  return Object.hasOwn(workerEnvironment({ host: { [name]: '' }, pass: PASSED_VARIABLES, set: {} }), name);
}
