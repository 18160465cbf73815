import type { JobHandle } from '../../jobs/job-handle.ts';
import { rebuiltError } from '../../jobs/stored-error.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { ChangeLines } from './change-lines.ts';
import { followToEnd } from './follow-job.ts';

/** Follows a job to its end. Resolves to 0 where it is done; rejects with the error with which it has ended. */
export async function watchOne(job: JobHandle, terminal: Terminal, signal: AbortSignal): Promise<number> {
  const lines = new ChangeLines(terminal);
  const bar = !terminal.json && process.stdout.isTTY && process.stderr.isTTY;
  const onChange = bar ? undefined : lines.tell.bind(lines);
  const ended = await followToEnd(job, { signal, bar, onChange });
  if (bar) await lines.tell(ended);
  if (ended.error !== undefined && ended.state !== 'done') throw rebuiltError(ended.error);
  return 0;
}
