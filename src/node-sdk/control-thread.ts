// The thread that answers while plugin code keeps the main thread busy, and that ends the process with its host.
import type { Boot } from '../protocol.ts';
import { CallTable } from './call-table.ts';
import type { ControlMessage, ControlThreadData } from './control.ts';
import { createControlAnswers } from './control-answers.ts';
import { SERVER_OPTIONS, sendError } from './http-answers.ts';
import { listen } from './listen.ts';
import { createRequestGuard, type RequestGuard } from './request-guard.ts';

const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads');
const { renameSync } = process.getBuiltinModule('node:fs');
const { createServer } = process.getBuiltinModule('node:http');
const { Socket } = process.getBuiltinModule('node:net');

const { boot, lifeline, health, slots, memory } = workerData as ControlThreadData;

watchHost();
const address = await serve(boot);
tell({ address });

function tell(message: ControlMessage): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A message port, not a window.
  parentPort?.postMessage(message);
}

/** The lifeline ends when the host is gone: then so is this process, whatever the main thread is doing. */
function watchHost(): void {
  new Socket({ fd: lifeline }).on('end', die).on('error', die).on('close', die).resume();
}

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

async function serve({ token, listen: where }: Boot): Promise<string> {
  const answer = createControlAnswers({
    health,
    calls: new CallTable(slots, memory),
    onCancel: (cancelled) => tell({ cancelled }),
  });
  let guard: RequestGuard;
  const server = createServer(SERVER_OPTIONS, (request, response) => {
    const refusal = guard(request);
    if (refusal !== undefined) {
      sendError(response, { type: 'Refused', message: refusal.message, category: 'input' }, refusal.status);
    } else if (!answer(request, response)) {
      sendError(
        response,
        { type: 'NotFound', message: 'The control address has /health and /cancel.', category: 'input' },
        404,
      );
    }
  });
  if ('tcp' in where) {
    const listening = await listen(server, { tcp: where.tcp });
    guard = createRequestGuard(token, listening.host);
    return listening.address;
  }
  guard = createRequestGuard(token, undefined);
  // Until now the path led to the main thread's socket; the swap is atomic, so there is no moment without an answer.
  const own = takeoverPath(where.control);
  await listen(server, { unix: own });
  renameSync(own, where.control);
  return `unix:${where.control}`;
}

/** A path beside the control socket's that is no longer than it. */
function takeoverPath(control: string): string {
  return control.slice(0, -1) + (control.endsWith('~') ? '-' : '~');
}
