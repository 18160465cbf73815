import { isFinal, type Job } from '../jobs/job.ts';
import { frozen } from '../json/frozen.ts';
import { readJson } from '../json/read-json.ts';
import type { DaemonConnection } from './daemon-connection.ts';
import { errorOfProblem } from './problem-error.ts';
import { readEvents } from './server-events.ts';
import { withoutNulls } from './unlimited.ts';
import { WhileAway } from './while-away.ts';

/**
 * A job as the daemon tells of it, until it has ended. Goes on where the daemon is replaced meanwhile, as the job does.
 *
 * @param changes whether it is told now and after each change, or at its end alone
 */
export async function* followJob(
  connection: DaemonConnection,
  id: string,
  changes: boolean,
  signal: AbortSignal | undefined,
): AsyncGenerator<Job, void, undefined> {
  for await (const job of toldJobs(connection, `/jobs/${id}/events?changes=${changes}`, signal)) {
    yield job;
    if (isFinal(job.state)) return;
  }
}

/** Every job that changes, from the moment on at which the daemon has taken the request, of which `onTaken` is told. */
export function followJobs(
  connection: DaemonConnection,
  signal: AbortSignal | undefined,
  onTaken: () => void,
): AsyncGenerator<Job, void, undefined> {
  return toldJobs(connection, '/jobs/events', signal, onTaken);
}

/** The jobs of streams of events, one after the other. */
async function* toldJobs(
  connection: DaemonConnection,
  path: string,
  signal: AbortSignal | undefined,
  onTaken?: () => void,
): AsyncGenerator<Job, never, undefined> {
  const away = new WhileAway(signal);
  const headers = { accept: 'text/event-stream' };
  const left = new Error('The reader has left the jobs.');
  for (;;) {
    const request = { path, headers, signal, cancelled: (reason: unknown) => reason as Error };
    const { response, end, why } = await away.ask(() => connection.send(request));
    onTaken?.();
    response.setEncoding('utf8');
    const events = readEvents(response as AsyncIterable<string>);
    let lost: unknown;
    try {
      for (;;) {
        const next = await events.next().catch((error: unknown) => {
          lost = why(error);
        });
        if (next === undefined || next.done === true) break;
        const { event, data } = next.value;
        if (event === 'error') throw errorOfProblem(data, response.statusCode ?? 0);
        if (event === 'job') yield frozen(withoutNulls(readJson(data))) as Job;
      }
    } finally {
      end(left);
    }
    await away.pause(lost);
  }
}
