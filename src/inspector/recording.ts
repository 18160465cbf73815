import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import type { Recording } from './inspector.ts';
import type { Recorder } from './record/recorder.ts';
import { Follower } from './server/follower.ts';

/**
 * Writes a session to a file as it goes on: a header, what is remembered, then every record. The file must not exist
 * and is readable by its owner alone. Rejects where it cannot be made. An error later on ends the recording; `close`
 * rejects with it.
 */
export async function recordSession(recorder: Recorder, file: string, control: boolean): Promise<Recording> {
  const sink = createWriteStream(file, { flags: 'wx', mode: 0o600 });
  await new Promise<void>((resolve, reject) => sink.once('open', () => resolve()).once('error', reject));
  const release = recorder.look();
  const header = (complete?: number): string => `${recorder.header(control, complete)}\n`;
  const lines = (records: readonly string[]): string => records.map((record) => `${record}\n`).join('');
  sink.write(header() + lines(recorder.journal.all()));
  const follower = new Follower(
    recorder.journal,
    sink,
    {
      // Records were left out before it.
      sync: () => {
        recorder.settle();
        const { seq } = recorder.journal;
        return { text: header(seq), seq };
      },
      batch: lines,
      drop: () => '',
      isWhole: true,
    },
    recorder.journal.seq,
  );
  const end = (): void => {
    follower.close();
    release();
  };
  const done = finished(sink).finally(end);
  // It is told by `close`.
  done.catch(() => {});
  return {
    file,
    async close() {
      recorder.settle();
      follower.flush();
      end();
      sink.end();
      await done;
    },
  };
}
