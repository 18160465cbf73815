import { type GreenroomError, messageOf } from '../../errors.ts';
import type { PluginContext } from '../../machines/plugin.ts';
import type { Redactor } from '../redaction/redaction.ts';
import type { CrashRecord } from '../wire.ts';

/** What a plugin's machine remembers of its last crash, without secrets. */
export function crashOf(
  { lastError, failure: { exit: lastExit }, restarts }: PluginContext,
  redactor: Redactor,
): Pick<CrashRecord, 'error' | 'exit' | 'output' | 'restarts'> {
  // What was given up has the crash as its cause.
  const { cause } = lastError ?? {};
  const error = lastError?.code === 'E_GIVEN_UP' && isTyped(cause) ? cause : lastError;
  const details = error?.details;
  const output = details !== undefined && 'output' in details ? details.output : lastExit?.output;
  return {
    error: { code: error?.code ?? '', message: redactor.text(error === undefined ? '' : messageOf(error)) },
    exit: lastExit && { code: lastExit.code, signal: lastExit.signal, outOfMemory: lastExit.outOfMemory },
    output: redactor.tail(output ?? ''),
    restarts,
  };
}

const isTyped = (error: unknown): error is GreenroomError => error instanceof Error && 'code' in error;
