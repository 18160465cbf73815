import { GreenroomError } from '../errors.ts';
import { pluginPath } from './call-request.ts';
import type { DaemonConnection } from './daemon-connection.ts';
import { readEvents } from './server-events.ts';

/** The lines of a plugin's log, and then each new one, until the loop is left, the signal aborted, or the daemon stopped. */
export async function* followLog(
  connection: DaemonConnection,
  plugin: string,
  query: URLSearchParams,
  signal: AbortSignal | undefined,
): AsyncGenerator<string, void, undefined> {
  if (signal?.aborted === true) return;
  query.set('follow', 'true');
  const path = `${pluginPath(plugin, '/logs')}?${query.toString()}`;
  const left = new Error('The reader has left the log.');
  try {
    const answer = await connection.send({ path, signal, cancelled: () => left });
    try {
      answer.response.setEncoding('utf8');
      for await (const { event, data } of readEvents(answer.response as AsyncIterable<string>)) {
        if (event === 'line') yield JSON.parse(data) as string;
      }
    } catch (error) {
      throw error instanceof GreenroomError ? error : answer.why(error);
    } finally {
      answer.end(left);
    }
  } catch (error) {
    if (error !== left) throw error;
  }
}
