import { messageOf } from '../../errors.ts';
import { systemCodeOf } from '../../system-error.ts';

/** Why a page cannot be served on a port, and which to choose instead. */
export function servingText(what: string, port: number, error: unknown): string {
  const why =
    systemCodeOf(error) === 'EADDRINUSE'
      ? `port ${port} is already in use`
      : `listening on port ${port} failed: ${messageOf(error)}`;
  return `The ${what} cannot be served: ${why}. Choose another with --port, or "port" in the options.`;
}
