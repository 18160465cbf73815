import type { Boot, Health } from '../protocol.ts';
import type { CallEntry, CallTable } from './call-table.ts';

const { Worker } = process.getBuiltinModule('node:worker_threads');

/** What the control thread is started with. */
export interface ControlThreadData {
  readonly boot: Boot;
  readonly health: Health;
  readonly slots: number;
  readonly memory: SharedArrayBuffer;
}

/** What the control thread says: the address at which it answers, once, and every call that it marked as cancelled. */
export type ControlMessage = { readonly address: string } | { readonly cancelled: CallEntry };

/** What {@link startControlThread} needs. */
export interface ControlThreadSettings {
  readonly boot: Boot;
  readonly health: Health;
  readonly slots: number;
  readonly calls: CallTable;
  readonly onCancel: (entry: CallEntry) => void;
}

/** Starts the thread; resolves to its address once it answers there. Its failure ends the process. */
export function startControlThread({ boot, health, slots, calls, onCancel }: ControlThreadSettings): Promise<string> {
  const workerData: ControlThreadData = { boot, health, slots, memory: calls.memory };
  // No flags are passed on: a plugin's --require or --import would run a second time in there.
  const thread = new Worker(new URL('./control-thread.js', import.meta.url), { workerData, execArgv: [] });
  thread.on('error', (error) => {
    throw new Error('The control thread of the worker failed.', { cause: error });
  });
  return new Promise((resolve) => {
    thread.on('message', (message: ControlMessage) => {
      if ('address' in message) resolve(message.address);
      else onCancel(message.cancelled);
    });
  });
}
