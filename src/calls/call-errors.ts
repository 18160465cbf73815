import { GreenroomError, type RemoteError } from '../errors.ts';
import type { ResultFault } from '../tools/result-check.ts';
import { DEFAULT_TOOL } from '../tools/tool-name.ts';

/** The call was cancelled, for this reason. */
export function cancelledError(plugin: string, reason: unknown): GreenroomError {
  return new GreenroomError('E_CANCELLED', `The call to "${plugin}" was cancelled.`, { plugin, cause: reason });
}

/** The call was not over in time; `doing` is what it was still at. */
export function timeoutError(plugin: string, timeoutMs: number | undefined, doing: string): GreenroomError {
  return new GreenroomError(
    'E_TIMEOUT',
    `The call to "${plugin}" did not finish within ${timeoutMs} ms; it was still ${doing}. Raise timeoutMs if it needs longer.`,
    { plugin },
  );
}

/** The worker runs, and no connection to it can be made. */
export function unreachableError(plugin: string, cause: unknown): GreenroomError {
  const { code } = ((cause as Error | undefined)?.cause ?? {}) as NodeJS.ErrnoException;
  const why = code === undefined ? '' : ` (${code})`;
  return new GreenroomError(
    'E_CRASHED',
    `The worker of "${plugin}" was killed: it was running but cannot be reached${why}. See logs("${plugin}").`,
    { plugin, cause },
  );
}

/** The worker has no streams. */
export function noStreamsError(plugin: string): GreenroomError {
  return new GreenroomError(
    'E_UNSUPPORTED',
    `"${plugin}" does not support streaming. Call execute("${plugin}", …) instead.`,
    { plugin },
  );
}

/** The worker has no such tool; without a name, no `execute`. */
export function refusedToolError(plugin: string, tool: string | undefined, { remote }: GreenroomError): GreenroomError {
  const next =
    tool === undefined
      ? `Name one of its tools with { tool }; tools("${plugin}") lists them.`
      : `See tools("${plugin}").`;
  const message = `The call to "${plugin}" was refused: ${remote?.message} ${next}`;
  return new GreenroomError('E_INPUT', message, { plugin, remote, details: { tool: tool ?? DEFAULT_TOOL } });
}

/** The tool's result does not fit its own schema, which counts as an error of the plugin. */
export function resultError(plugin: string, { message, problems }: ResultFault): GreenroomError {
  const remote: RemoteError = { type: 'ResultError', message, category: 'fatal', retryable: false };
  return new GreenroomError('E_REMOTE', message, { plugin, remote, details: { problems } });
}
