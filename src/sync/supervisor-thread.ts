// The program of the thread in which a blocking supervisor runs.
import { workerData } from 'node:worker_threads';
import type { Progress } from '../calls/call-options.ts';
import { createSupervisor, type Supervisor } from '../runtime/supervisor.ts';
import type { Batch } from './batch-reader.ts';
import { ring } from './bell.ts';
import { describeError } from './error-message.ts';
import { type Reply, type Request, START, type SupervisorThreadData } from './messages.ts';
import { memoryOf, type SentValue } from './sent-value.ts';
import { methodsOf } from './thread-methods.ts';

const { port, bell, options } = workerData as SupervisorThreadData;

try {
  serve(await createSupervisor(options));
} catch (error) {
  reply({ id: START, error: describeError(error) });
}

function serve(supervisor: Supervisor): void {
  const running = new Map<number, AbortController>();
  const methods = methodsOf(supervisor, running);
  const spare: AbortController[] = [];
  const answer = async ({ id, method, args }: Request): Promise<void> => {
    const controller = spare.pop() ?? new AbortController();
    running.set(id, controller);
    try {
      const onProgress = (progress: Progress): void => reply({ id, progress });
      const act = methods[method] as (...given: readonly unknown[]) => unknown;
      const value = await act({ id, signal: controller.signal, onProgress }, ...args);
      reply({ id, value }, method === 'execute' || method === 'read' ? memoryIn(value as SentValue | Batch) : []);
      // Nothing else keeps the thread.
      if (method === 'stop' || method === 'exit') port.close();
    } catch (error) {
      reply({ id, error: describeError(error) });
    } finally {
      running.delete(id);
      // A signal takes a third as long as a short call to make, and one that was not aborted serves the next request.
      if (!controller.signal.aborted) spare.push(controller);
    }
  };
  port.on('message', (request: Request) => void answer(request));
  reply({ id: START, value: { inspectorUrl: supervisor.inspector?.url } });
}

function memoryIn(value: SentValue | Batch): ArrayBuffer[] {
  return typeof value === 'string' ? [] : memoryOf(value.bytes);
}

/** @param memory what is handed over with it */
function reply(message: Reply, memory: ArrayBuffer[] = []): void {
  port.postMessage(message, memory);
  ring(bell);
}
