import type { Boot, Health } from '../protocol.ts';
import type { CallEntry, CallTable } from './call-table.ts';
import { describeError } from './describe-error.ts';
import { writeNow } from './descriptors.ts';
import { kill, Promise } from './originals.ts';

const { Worker } = process.getBuiltinModule('node:worker_threads');

/** What the control thread is started with. */
export interface ControlThreadData {
  readonly boot: Boot;
  /** The descriptor that ends with the host. */
  readonly lifeline: number;
  readonly health: Health;
  readonly slots: number;
  readonly memory: SharedArrayBuffer;
}

/** What the control thread says: the address at which it answers, once, and every call that it marked as cancelled. */
export type ControlMessage = { readonly address: string } | { readonly cancelled: CallEntry };

/** What {@link startControlThread} needs. */
export interface ControlThreadSettings extends Omit<ControlThreadData, 'memory'> {
  readonly calls: CallTable;
  readonly onCancel: (entry: CallEntry) => void;
}

/**
 * Starts the thread; resolves to its address once it answers there. When it ends, so does the process, which could
 * otherwise be neither reached nor ended by its host. Not by an error thrown here, for which a plugin may have a handler.
 */
export function startControlThread({ calls, onCancel, ...data }: ControlThreadSettings): Promise<string> {
  const workerData: ControlThreadData = { ...data, memory: calls.memory };
  // No flags are passed on: a plugin's --require or --import would run a second time in there.
  const thread = new Worker(new URL('./control-thread.js', import.meta.url), { workerData, execArgv: [] });
  const die = (reason: string): void => {
    try {
      writeNow(2, `The control thread of the worker ended: ${reason}\n`);
    } finally {
      kill(process.pid, 'SIGKILL');
    }
  };
  thread.on('error', (error) => die(describeError(error).message));
  thread.on('exit', (code) => die(`it exited with status ${code}.`));
  return new Promise((resolve) => {
    thread.on('message', (message: ControlMessage) => {
      if ('address' in message) resolve(message.address);
      else onCancel(message.cancelled);
    });
  });
}
