import { wrongArgument } from '../argument-checks.ts';
import { GreenroomError, messageOf } from '../errors.ts';
import type { Inspector, Recording } from './inspector.ts';
import type { Recorded } from './record/recorded.ts';
import { Recorder } from './record/recorder.ts';
import { recordSession } from './recording.ts';
import { Control, type Controlled } from './server/control.ts';
import { type Api, serveInspector } from './server/front.ts';
import { JobsApi } from './server/jobs-api.ts';
import { LiveApi } from './server/live-api.ts';
import { LogsApi } from './server/logs-api.ts';
import { servingText } from './server/serving-text.ts';

/** What the inspector needs of the supervisor that it shows. */
export interface Inspected extends Recorded {
  readonly supervisor: Recorded['supervisor'] & Controlled;
}

/** How the inspector is opened. */
export interface InspectorOptions {
  /** The port of the page; by default any that is free. */
  readonly port?: number | undefined;
  /** Whether plugins may be called, loaded, released, restarted, cancelled and reset from the page. Default false. */
  readonly control?: boolean | undefined;
  /** Whether the inputs and outputs of calls are kept, redacted. Default true. */
  readonly payloads?: boolean | undefined;
  /** Where the page's files lie; by default in this package. */
  readonly folder?: string | undefined;
}

/** A supervisor that is recorded for the inspector, which somebody else serves. */
export interface RecordedInspector extends Pick<Inspector, 'record' | 'close'> {
  /** What the page asks for. */
  readonly api: Api;
}

/** Records a supervisor from now on. */
export function recordInspector(
  inspected: Inspected,
  { control: mayControl = false, payloads }: Pick<InspectorOptions, 'control' | 'payloads'>,
): RecordedInspector {
  const recorder = new Recorder(inspected, payloads);
  const { supervisor, records } = inspected;
  const control = mayControl ? new Control(supervisor, records, recorder, () => recorder.clock.now()) : undefined;
  const recordings = new Set<Recording>();
  return {
    api: new LiveApi(
      recorder,
      control,
      new LogsApi(inspected, (text) => recorder.text(text)),
      new JobsApi(supervisor, recorder),
    ),
    async record(file) {
      if (typeof file !== 'string') throw wrongArgument('The file of record()', 'a path', file);
      try {
        const recording = await recordSession(recorder, file, mayControl);
        recordings.add(recording);
        return recording;
      } catch (error) {
        throw new GreenroomError('E_OPTIONS', `The session cannot be recorded in ${file}: ${messageOf(error)}`, {
          cause: error,
        });
      }
    },
    async close() {
      recorder.close();
      await Promise.allSettled([...recordings].map((recording) => recording.close()));
    },
  };
}

/** Records a supervisor from now on and serves its inspector on 127.0.0.1. Rejects with `E_OPTIONS` where the port is taken. */
export async function openInspector(
  inspected: Inspected,
  { port = 0, control, payloads, folder }: InspectorOptions = {},
): Promise<Inspector> {
  const recorded = recordInspector(inspected, { control, payloads });
  try {
    const server = await serveInspector(recorded.api, port, folder);
    return {
      url: server.url,
      record: (file) => recorded.record(file),
      async close() {
        // No record is made any more while the last of them are written.
        const ended = recorded.close();
        await server.close();
        await ended;
      },
    };
  } catch (error) {
    await recorded.close();
    throw new GreenroomError('E_OPTIONS', servingText('inspector', port, error), { cause: error });
  }
}
