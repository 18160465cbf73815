// The program of the thread that starts the supervisor's and sees how it ends: the caller's event loop stands still.
import { Worker, workerData } from 'node:worker_threads';
import { writeNow } from '../node-sdk/descriptors.ts';
import { ring } from './bell.ts';
import { describeError } from './error-message.ts';
import { type Ending, WATCHING, type WatcherData } from './messages.ts';

const { program, env, supervisor, port } = workerData as WatcherData;
let failure: unknown;

tell(WATCHING);
try {
  const thread = new Worker(program, {
    workerData: supervisor,
    transferList: [supervisor.port],
    env,
    // Else it would get those of the program, such as --import and --inspect.
    execArgv: [],
    stdout: true,
    stderr: true,
  });
  // By themselves they would appear when the caller's event loop goes on, which may be never.
  thread.stdout.setEncoding('utf8').on('data', (text: string) => print(1, text));
  thread.stderr.setEncoding('utf8').on('data', (text: string) => print(2, text));
  thread.on('error', (error) => {
    failure = error;
  });
  thread.on('exit', (status) => end(status));
} catch (error) {
  failure = error;
  end(1);
}

function end(status: number): void {
  const ending: Ending = { status, error: failure === undefined ? undefined : describeError(failure) };
  tell(ending);
  port.close();
}

function tell(message: Ending | typeof WATCHING): void {
  port.postMessage(message);
  ring(supervisor.bell);
}

function print(descriptor: 1 | 2, text: string): void {
  try {
    writeNow(descriptor, text);
  } catch {
    // Nobody reads it.
  }
}
