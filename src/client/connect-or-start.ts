import { type Client, createClient } from './client.ts';
import { type ConnectOrStartOptions, ensureDaemon } from './ensure-daemon.ts';

/**
 * A client of the daemon of a data directory, which is started if none runs: `greenroom serve`, apart from this program,
 * which it outlives by ten minutes after the last use, in its working directory and environment. What it prints is in `daemon.log` of the data directory. Of
 * any number of programs that do this at once, one starts it. Rejects with `E_DAEMON` where it does not start, and with the
 * reason of the signal.
 */
export async function connectOrStart(options: ConnectOrStartOptions = {}): Promise<Client> {
  const { folder } = await ensureDaemon(options);
  return createClient({ dataDir: folder });
}
