import type { CallOptions, StreamOptions } from '../calls/call-options.ts';
import { GreenroomError } from '../errors.ts';

/** Calls that may run in any program of a fleet. */
export interface CallsInFleet {
  execute(plugin: string, input: unknown, options: CallOptions): Promise<unknown>;
  stream(plugin: string, input: unknown, options: StreamOptions): AsyncIterableIterator<unknown> & AsyncDisposable;
}

/** Those of a program that is in no fleet. */
export const NO_FLEET: CallsInFleet = {
  execute: (plugin) => Promise.reject(noFleetError(plugin)),
  stream: (plugin) => {
    throw noFleetError(plugin);
  },
};

/** Whether a call asks for it; its options have not been checked. */
export function isForFleet(options: unknown): boolean {
  return (options as CallOptions | null | undefined)?.fleet === true;
}

function noFleetError(plugin: string): GreenroomError {
  const message = `The call to "${plugin}" was refused: this program is in no fleet. Join one with openJobs({ supervisor, fleet }), or leave out fleet: true.`;
  return new GreenroomError('E_OPTIONS', message, { plugin });
}
