import { startDaemon } from '../../daemon/daemon.ts';
import { GreenroomError, messageOf } from '../../errors.ts';
import { packageVersion } from '../../files/package-version.ts';
import { openSupervisorLog } from '../../logs/supervisor-log.ts';
import { createSupervisor, type Supervisor } from '../../runtime/supervisor.ts';
import { isGiven, resolveSettings } from '../../settings/resolve.ts';
import type { SupervisorSettings } from '../../settings/schema.ts';
import type { InspectSettings } from '../../settings/values.ts';
import { oneLine } from '../../text/printable.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** The supervisor of `greenroom dev`. */
export interface Dev {
  readonly supervisor: Supervisor;
  /** Aborted when a client asks for its end, as `greenroom serve --replace` does. */
  readonly asked: AbortSignal;
  /** Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a supervisor with an inspector that is the daemon of its data directory, so that other commands use it. Where the
 * directory has a daemon already, or its socket cannot be made, a line says so, and it is a supervisor alone.
 */
export async function startDev(
  given: SupervisorSettings,
  inspect: InspectSettings,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Dev> {
  const settings: SupervisorSettings = {
    ...given,
    watchCode: isGiven('watchCode') ? undefined : true,
    // What it would say is in the table and in the inspector.
    logLevel: isGiven('logLevel') ? undefined : 'silent',
  };
  const log = openSupervisorLog(resolveSettings(settings).logLevel);
  try {
    return await startDaemon({ settings, version: packageVersion(), ownInspector: inspect, log, signal });
  } catch (error) {
    if (!(error instanceof GreenroomError) || error.code !== 'E_DATA_DIR') throw error;
    terminal.note(
      `${terminal.err.yellow('warning:')} Other commands do not use this supervisor: ${oneLine(messageOf(error))}`,
    );
  }
  const supervisor = await createSupervisor({ ...settings, inspect, handleSignals: false, unref: false });
  return { supervisor, asked: new AbortController().signal, stop: () => supervisor.stop() };
}
