import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Handshake } from '../../src/protocol.ts';
import { python } from '../../src/worker-kinds/python.ts';
import { FramedClient } from '../node-sdk/framed-client.ts';

/** The interpreter of these tests. */
export const PYTHON = process.env['GREENROOM_TEST_PYTHON'] ?? 'python3';
/** The package under test. */
export const PACKAGE = fileURLToPath(new URL('../../python/greenroom_worker', import.meta.url));
/** The folder of the plugins. */
export const FIXTURES = fileURLToPath(new URL('../fixtures/python', import.meta.url));

/** The token of these workers. */
export const TOKEN = 'a token';

/** One answer with its whole body. */
export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** A Python worker that has shaken hands; its interpreter gets `flags`. */
export class PythonWorker {
  readonly child: ChildProcessWithoutNullStreams;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  readonly ready: Promise<Handshake>;
  output = '';
  errors = '';
  #folder = mkdtempSync(join(tmpdir(), 'gr-py-'));
  #waiting: (() => void)[] = [];
  #clients: FramedClient[] = [];

  constructor(
    plugin: { readonly module: string; readonly class?: string },
    concurrency = 1,
    flags: readonly string[] = [],
    protocol: readonly number[] = [1],
  ) {
    const { args, env } = python.command({ manifest: {}, resolved: { python_path: PYTHON }, folder: '' }, {});
    this.child = spawn(PYTHON, [...flags, ...args], { env: { ...process.env, ...env } });
    this.exited = new Promise((resolve) => {
      this.child.once('close', (code, signal) => resolve({ code, signal }));
    });
    this.child.stdin.on('error', () => {});
    this.child.stdout.on('data', (data: Buffer) => {
      this.output += data;
      for (const look of this.#waiting) look();
    });
    this.child.stderr.on('data', (data: Buffer) => {
      this.errors += data;
      for (const look of this.#waiting) look();
    });
    const boot = {
      protocol,
      nonce: 'a nonce',
      token: TOKEN,
      listen: { unix: join(this.#folder, 'w'), control: join(this.#folder, 'c'), frames: join(this.#folder, 'f') },
      plugin: { name: 'tested', folder: FIXTURES, ...plugin },
      concurrency,
    };
    this.child.stdin.write(`${JSON.stringify(boot)}\n`);
    this.ready = Promise.race([
      this.printed(/^(\{"greenroom".*\})\n/m).then((line) => JSON.parse(line)),
      this.exited.then(({ code }) => {
        throw new Error(`status ${code}: ${this.errors}`);
      }),
    ]);
    this.ready.catch(() => {});
  }

  /** Resolves to the first group of `pattern` once the worker has printed it. */
  printed(pattern: RegExp): Promise<string> {
    return this.#said(pattern, 'output');
  }

  /** The same, of standard error. */
  complained(pattern: RegExp): Promise<string> {
    return this.#said(pattern, 'errors');
  }

  #said(pattern: RegExp, where: 'output' | 'errors'): Promise<string> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = pattern.exec(this[where]);
        if (found !== null) resolve(found[1] ?? found[0]);
      };
      this.#waiting.push(look);
      look();
    });
  }

  /** Sends a request; `path` may begin with `control:`. */
  async send(path: string, body?: unknown, chunked = false): Promise<Reply> {
    const control = path.startsWith('control:');
    const { address, control: controlAddress } = await this.ready;
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const outgoing = request({
        socketPath: (control ? controlAddress : address).slice('unix:'.length),
        method: text === undefined ? 'GET' : 'POST',
        path: path.replace('control:', ''),
        agent: false,
        headers: {
          authorization: `Bearer ${TOKEN}`,
          ...(text === undefined || chunked ? {} : { 'content-length': Buffer.byteLength(text) }),
        },
      });
      outgoing.on('error', reject).on('response', (incoming) => {
        let received = '';
        incoming.setEncoding('utf8').on('error', reject);
        incoming.on('data', (data: string) => (received += data));
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            type: incoming.headers['content-type'] ?? '',
            text: received,
          }),
        );
      });
      if (text !== undefined) outgoing.write(text);
      outgoing.end();
    });
  }

  /** Runs a call and resolves to its answer. */
  execute(kwargs: object = {}, call = 'call'): Promise<Reply> {
    return this.send('/execute', { call, args: [], kwargs });
  }

  /** A connection that has sent one request as it stands, for tests of what a well-behaved client never does. */
  async raw(path: string, body: unknown): Promise<Socket> {
    const { address } = await this.ready;
    const text = JSON.stringify(body);
    const socket = connect(address.slice('unix:'.length));
    socket.write(
      `POST ${path} HTTP/1.1\r\nauthorization: Bearer ${TOKEN}\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
    return socket;
  }

  /** A connection for calls as frames; of a worker that is offered version 2. */
  async frames(shared = false): Promise<FramedClient> {
    const { frames } = await this.ready;
    const client = new FramedClient(frames as string).hello(TOKEN, shared);
    this.#clients.push(client);
    return client;
  }

  /** The memory that the worker holds, or held at most, in MiB. */
  memory(of: 'VmRSS' | 'VmHWM' = 'VmRSS'): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(new RegExp(`${of}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
  }

  async stop(): Promise<void> {
    for (const { socket } of this.#clients) socket.destroy();
    this.child.kill('SIGKILL');
    await this.exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The value of a plain answer's key. */
export function valueOf(reply: Reply, key: 'result' | 'error'): unknown {
  return JSON.parse(reply.text)[key];
}

/** The frames of an NDJSON answer. */
export function framesOf(reply: Reply): unknown[] {
  return reply.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}
