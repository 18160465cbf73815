import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { BootPlugin, Frame, Handshake } from '../../src/protocol.ts';

/** A program that speaks the worker protocol, and what it is told to load. */
export interface WorkerProgram {
  readonly file: string;
  readonly args: readonly string[];
  readonly plugin: BootPlugin;
  /** The descriptor of boot line, handshake and lifeline; the standard streams by default. */
  readonly bootDescriptor?: 3 | undefined;
  /** How many calls the host may have running at once; 2 by default. */
  readonly concurrency?: number | undefined;
}

/** One answer, with its whole body. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The local end of the connection, the same for requests that shared one. */
  readonly connection: object;
}

/** What a request may say beside its method, path and body. */
export interface RequestOptions {
  readonly token?: string | undefined;
  readonly headers?: Record<string, string>;
  /** Called with every frame as it comes. */
  readonly onFrame?: (frame: Frame) => void;
  /** The answer is not read before this. */
  readonly readAfter?: Promise<unknown>;
  /** Breaks the connection. */
  readonly signal?: AbortSignal;
}

/** A worker that was started and has shaken hands. */
export interface RunningWorker {
  readonly child: ChildProcess;
  /** Its end is the end of the host. */
  readonly lifeline: Writable;
  readonly nonce: string;
  readonly token: string;
  readonly handshake: Handshake;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Sends a request; a body that is no string and no bytes is sent as JSON. `path` may begin with `control:`. */
  send(method: 'GET' | 'POST', path: string, body?: unknown, options?: RequestOptions): Promise<Answer>;
  stop(): Promise<void>;
}

/**
 * Starts a worker that is offered these versions of the protocol, and waits for its handshake; rejects with its output
 * when it ends before.
 */
export async function startWorker(
  program: WorkerProgram,
  transport: 'unix' | 'tcp' = 'unix',
  protocol: readonly number[] = [1],
): Promise<RunningWorker> {
  const folder = mkdtempSync(join(tmpdir(), 'gr-'));
  const nonce = randomBytes(16).toString('hex');
  const token = randomBytes(32).toString('hex');
  const { bootDescriptor } = program;
  const child = spawn(program.file, program.args, {
    stdio: bootDescriptor === undefined ? 'pipe' : ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const lifeline = child.stdio[bootDescriptor ?? 0] as Writable;
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  let output = '';
  child.stderr?.on('data', (data: Buffer) => {
    output += data.toString();
  });
  // A worker that has ended already has closed its end of the pipe.
  lifeline.on('error', () => {});
  const path = (name: string): string => join(folder, name);
  const listen =
    transport === 'unix' ? { unix: path('w'), control: path('c'), frames: path('f') } : { tcp: '127.0.0.1' };
  lifeline.write(
    `${JSON.stringify({ protocol, nonce, token, listen, plugin: program.plugin, concurrency: program.concurrency ?? 2 })}\n`,
  );

  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const stop = async (): Promise<void> => {
    agent.destroy();
    child.kill('SIGKILL');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };

  const handshake = await new Promise<Handshake | undefined>((resolve) => {
    const lines = createInterface({ input: child.stdio[bootDescriptor ?? 1] as Readable });
    lines.on('line', (line) => {
      if (/^\{\s*"greenroom"/.test(line)) resolve(JSON.parse(line));
    });
    lines.once('close', () => resolve(undefined));
  });
  if (handshake === undefined) {
    const { code } = await exited;
    await stop();
    throw new Error(`The worker ended with status ${code} before its handshake:\n${output}`);
  }

  const send: RunningWorker['send'] = (method, path, body, options = {}) => {
    const control = path.startsWith('control:');
    const address = control ? handshake.control : handshake.address;
    const where = address.startsWith('unix:')
      ? { socketPath: address.slice('unix:'.length) }
      : { host: '127.0.0.1', port: Number(address.slice(address.lastIndexOf(':') + 1)) };
    const bearer = 'token' in options ? options.token : token;
    const isText = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
    const text = isText ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const outgoing = request({
        ...where,
        agent,
        method,
        path: control ? path.slice('control:'.length) : path,
        headers: {
          ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
          ...(text === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
          ...options.headers,
        },
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
      outgoing.on('error', reject);
      const read = (incoming: IncomingMessage): void => {
        const connection = incoming.socket;
        let received = '';
        let parsedTo = 0;
        incoming.setEncoding('utf8');
        incoming.on('error', reject);
        incoming.on('data', (data: string) => {
          received += data;
          for (let end = received.indexOf('\n', parsedTo); end !== -1; end = received.indexOf('\n', parsedTo)) {
            options.onFrame?.(JSON.parse(received.slice(parsedTo, end)));
            parsedTo = end + 1;
          }
        });
        incoming.on('end', () => {
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: received, connection });
        });
      };
      outgoing.on('response', (incoming) => {
        if (options.readAfter === undefined) read(incoming);
        else void options.readAfter.then(() => read(incoming));
      });
      outgoing.end(text);
    });
  };
  return { child, lifeline, nonce, token, handshake, exited, send, stop };
}

/** The frames of an NDJSON answer. */
export function framesOf(answer: Answer): Frame[] {
  return answer.body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}
