import type { Client } from '../client/client.ts';
import { versionFit, versionText } from '../client/interface-version.ts';
import { isUnanswered } from '../client/unanswered.ts';
import { GreenroomError } from '../errors.ts';
import { packageVersion } from '../files/package-version.ts';
import type { Places } from '../settings/places.ts';
import { type DAEMON_OPTIONS, type SETTINGS_OPTIONS, settingsOf, type Values } from './command.ts';
import { type FoundDaemon, findDaemon, type MissingPlace, missingPlaces, placesOf } from './find-daemon.ts';
import { missingText } from './missing-text.ts';
import type { Terminal } from './terminal/terminal.ts';

/**
 * A client of the daemon that a command is to use: that of its data directory, if it looks for plugins in every folder and
 * every configuration in which the command would; undefined where the command is to do its work by itself. Rejects with `E_DAEMON` where the
 * daemon has another interface; one of another version with the same is a warning.
 */
export async function openDaemon(
  values: Values<typeof SETTINGS_OPTIONS & typeof DAEMON_OPTIONS>,
  terminal: Terminal,
): Promise<Client | undefined> {
  const places = values['no-daemon'] === true ? undefined : placesOf(values);
  const found = places === undefined ? undefined : findDaemon(places, values);
  if (places === undefined || found === undefined || found.unwatched.length > 0) return undefined;
  warnOfMissing(found.missing, terminal);
  return reach(places, found, terminal);
}

/** A client of the daemon of the data directory, wherever that looks for plugins; undefined where none answers. */
export async function findDaemonClient(
  values: Values<typeof SETTINGS_OPTIONS>,
  terminal: Terminal,
): Promise<{ readonly client: Client | undefined; readonly dataDir: string }> {
  const places = placesOf(values) ?? (await resolvedPlaces(values));
  const { dataDir } = places;
  const found = findDaemon(places, values);
  warnOfMissing(found?.missing ?? missingPlaces(values), terminal);
  return { client: found === undefined ? undefined : await reach(places, found, terminal), dataDir };
}

/** A client of the daemon of the data directory, wherever that looks for plugins. Rejects with `E_DAEMON` where none runs. */
export async function requireDaemon(values: Values<typeof SETTINGS_OPTIONS>, terminal: Terminal): Promise<Client> {
  const { client, dataDir } = await findDaemonClient(values, terminal);
  if (client !== undefined) return client;
  throw new GreenroomError('E_DAEMON', `No daemon runs for the data directory ${dataDir}. Start one: greenroom serve`);
}

/** The same, of a daemon that is started if none runs: apart from this command, and ends by itself once it has nothing to do. */
export async function ensureDaemonClient(
  values: Values<typeof SETTINGS_OPTIONS>,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Client> {
  const { client, dataDir } = await findDaemonClient(values, terminal);
  if (client !== undefined) return client;
  const { ensureDaemon } = await import('../client/ensure-daemon.ts');
  await ensureDaemon({ dataDir, signal });
  terminal.note(`Started a daemon for ${dataDir}. It ends by itself ten minutes after its last work.`);
  const { createClient } = await import('../client/client.ts');
  return createClient({ dataDir });
}

/** The daemon does what it does without the place, and so would nobody learn that its path was mistyped. */
function warnOfMissing(missing: readonly MissingPlace[], terminal: Terminal): void {
  for (const place of missing) terminal.note(`${terminal.err.yellow('warning:')} ${missingText(place)}`);
}

/** A client of a daemon that lives; undefined for a record of one that has died, or is out of reach as in another container. */
async function reach(places: Places, found: FoundDaemon, terminal: Terminal): Promise<Client | undefined> {
  const client = await connect(places, found, terminal);
  // To ask would take as long as the call itself.
  if (found.isSeen) return client;
  try {
    await client.status();
    return client;
  } catch (error) {
    await client.close();
    if (isUnanswered(error)) return undefined;
    throw error;
  }
}

async function connect({ dataDir }: Places, { record }: FoundDaemon, terminal: Terminal): Promise<Client> {
  const own = packageVersion();
  if (versionFit(record.version, own) === 'fits')
    terminal.note(`${terminal.err.yellow('warning:')} ${versionText(record.version, own)}`);
  // Read from disk only where there is a daemon.
  const { createClient } = await import('../client/client.ts');
  return createClient({ dataDir });
}

/** The settings say what is wrong with them. */
async function resolvedPlaces(values: Values<typeof SETTINGS_OPTIONS>) {
  const { resolveSettings } = await import('../settings/resolve.ts');
  return resolveSettings(settingsOf(values));
}
