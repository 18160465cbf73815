import type { HandshakeExchange } from './handshake-exchange.ts';

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

/** The start of a worker that speaks the worker protocol. */
export interface HandshakeStart extends WorkerStart {
  readonly handshake: HandshakeExchange;
}
