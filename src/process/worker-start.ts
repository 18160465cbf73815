import type { HandshakeExchange } from './handshake-exchange.ts';

/**
 * How one worker and its host program find each other, prepared by the worker's kind for each start. Kinds add what they
 * connect by, such as a port.
 */
export interface WorkerStart {
  /** Arguments of the program after those of the kind's command. */
  readonly args?: readonly string[];
  /** Variables of the program beside those of the kind's command; these win. */
  readonly env?: Readonly<Record<string, string>>;
  /** The boot line and the handshake, of workers that speak the worker protocol. */
  readonly handshake?: HandshakeExchange;
  /** Whether standard input and output are the channel, so that nothing printed there is for the log. */
  readonly isStdio?: boolean;
  /** Whether the worker has answered, where its kind keeps that here and a start that was not answered is to be told apart. */
  readonly isAnswered?: boolean;
  /** What a worker that is not ready in time was still doing, as its error says it; undefined where nothing more is known. */
  step?(): string | undefined;
  /**
   * Why a worker that has ended, having printed this, is to be started once more with another start, as the log is told;
   * undefined where it is not: its end had another reason than how it was started.
   */
  againBecause?(output: string): string | undefined;
  /** Gives back what was prepared. Called once, when nothing of the worker is left. Never rejects. */
  close?(): void | Promise<void>;
}

/** The start of a worker that speaks the worker protocol. */
export interface HandshakeStart extends WorkerStart {
  readonly handshake: HandshakeExchange;
}
