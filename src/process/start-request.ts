import type { KnownEra } from '../mcp/known-eras.ts';
import type { BootPlugin, ProtocolVersion } from '../protocol.ts';
import type { SocketDirectory } from './socket-directory.ts';

/** What a worker kind is given to prepare one start. */
export interface StartRequest {
  /** What the worker is to load. */
  readonly plugin: BootPlugin;
  /** Where its program runs, and with which variables. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** How many calls the manifest lets it run at once. */
  readonly concurrency: number;
  /** The newest version of the worker protocol that it is offered. */
  readonly protocol: ProtocolVersion;
  /** Makes the directory of the worker's sockets; undefined where it is to listen on TCP. Throws `E_DATA_DIR`. */
  openSockets(): SocketDirectory | undefined;
  /** What is known of how its program, as it is now, speaks MCP. */
  knownEra(): KnownEra;
  /**
   * Writes to the log of the plugin.
   *
   * @param isPrinted whether it quotes what the worker has printed, which may tell why it ends
   */
  note(message: string, isPrinted?: boolean): void;
}
