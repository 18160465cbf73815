import type { BootPlugin } from '../protocol.ts';
import type { HandshakeExchange } from './handshake-exchange.ts';
import type { SocketDirectory } from './socket-directory.ts';

/** What a worker kind is given to prepare one start. */
export interface StartRequest {
  /** What the worker is to load. */
  readonly plugin: BootPlugin;
  /** How many calls the manifest lets it run at once. */
  readonly concurrency: number;
  /** Makes the directory of the worker's sockets; undefined where it is to listen on TCP. Throws `E_DATA_DIR`. */
  openSockets(): SocketDirectory | undefined;
}

/**
 * How one worker and its host program find each other, prepared by the worker's kind for each start. Kinds add what they
 * connect by, such as a port.
 */
export interface WorkerStart {
  /** Arguments of the program after those of the kind's command. */
  readonly args?: readonly string[];
  /** The boot line and the handshake, of workers that speak the worker protocol. */
  readonly handshake?: HandshakeExchange;
  /** Whether standard input and output are the channel, so that nothing printed there is for the log. */
  readonly isStdio?: boolean;
}
