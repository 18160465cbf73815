import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { LineReader, MAX_LINE_LENGTH } from '../channel/line-reader.ts';
import { messageOf } from '../errors.ts';
import { readJson } from '../json/read-json.ts';
import {
  type JsonObject,
  type JsonRpcMessage,
  NoMessage,
  type RequestId,
  RPC_ERROR,
  readMessage,
  writeMessage,
} from '../mcp/json-rpc.ts';
import { NOT_BEGUN } from '../mcp/revisions.ts';
import { ApartFromProgress } from './apart-from-progress.ts';
import { ClientState, DAEMON_ENDED } from './client-state.ts';
import { RefusedStream } from './daemon-stream.ts';

/** How many messages of the client are kept while there is no daemon; then no more is read. */
const MAX_HELD = 1_000;

/** How an answer of the daemon begins, which writes the fields in this order. */
const ANSWER = /^\{"jsonrpc":"2\.0","id":("(?:[^"\\]|\\.)*"|-?\d+),"(?:result|error)"/;

/** How what the daemon asks of the client begins, and how it takes that back. */
const QUESTION = /^\{"jsonrpc":"2\.0","id":("(?:[^"\\]|\\.)*"),"method"/;
const TAKEN_BACK = /^\{"jsonrpc":"2\.0","method":"notifications\/cancelled","params":\{"requestId":("(?:[^"\\]|\\.)*")/;

/** What a relay joins. */
export interface RelayEnds {
  /** What the client writes, and where it reads. */
  readonly input: Readable;
  readonly output: Writable;
  /** A connection to the daemon, which is started where there is none. Rejects where there can be none. */
  connect(signal: AbortSignal): Promise<Socket>;
  /** Tells people; a sentence. */
  note(message: string): void;
}

/**
 * Joins a client of MCP on standard streams with the daemon. Where the daemon ends, the client is told what was lost, and
 * the next daemon what the client has said before. Resolves when the client ends its input. Rejects where the daemon refuses
 * the connection.
 */
export async function relay({ input, output, connect, note }: RelayEnds, signal: AbortSignal): Promise<void> {
  await new Relay(input, output, note).run(connect, signal);
}

class Relay {
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #note: (message: string) => void;
  readonly #state = new ClientState();
  readonly #apart = new ApartFromProgress();
  /** What the client has said while there was no daemon. */
  #held: JsonRpcMessage[] = [];
  #socket: Socket | undefined;
  /** Called when the client says something, or has ended. */
  #onNews: () => void = () => {};
  #isOver = false;

  constructor(input: Readable, output: Writable, note: (message: string) => void) {
    this.#input = input;
    this.#output = output;
    this.#note = note;
    const reader = new Lines(
      (line) => this.#takeOfClient(line),
      note,
      () => this.#over(),
    );
    input.on('data', (bytes: Buffer) => reader.write(bytes));
    input.once('end', () => reader.end());
    input.once('error', () => this.#over());
    // The client is gone.
    output.once('error', () => this.#over());
  }

  async run(connect: RelayEnds['connect'], signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#over(), { once: true });
    let isFirst = true;
    while (!this.#isOver) {
      try {
        const socket = await connect(signal);
        if (!isFirst) this.#note('A new daemon took over.');
        await this.#join(socket, isFirst);
        isFirst = false;
      } catch (error) {
        if (this.#isOver) return;
        if (error instanceof RefusedStream) {
          const refusal = error.asError();
          this.#refuseAll(refusal.message);
          throw refusal;
        }
        await this.#withoutDaemon(messageOf(error));
      }
    }
  }

  /** Resolves when the connection has ended. */
  #join(socket: Socket, isFirst: boolean): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isOver) {
        socket.destroy();
        return resolve();
      }
      const reader = new Lines((line) => this.#takeOfDaemon(line), this.#note);
      this.#socket = socket;
      const held = this.#held.splice(0);
      this.#input.resume();
      for (const message of this.#state.again()) this.#send(message);
      for (const message of held) {
        this.#state.said(message);
        this.#send(message);
      }
      // It may have other plugins than the one before.
      if (!isFirst && this.#state.isToBeToldOfChange)
        this.#tell(writeMessage({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' }));
      socket.on('data', (bytes: Buffer) => reader.write(bytes));
      socket.on('drain', () => this.#input.resume());
      socket.on('error', () => {});
      socket.once('close', () => {
        this.#socket = undefined;
        this.#input.resume();
        if (!this.#isOver) this.#tellLost();
        resolve();
      });
    });
  }

  #tellLost(): void {
    const message =
      'The Greenroom daemon ended while it worked on this request, which may have been done. It is started again: send the request once more if it may be done twice.';
    for (const id of this.#state.lost()) this.#refuse(id, message);
    for (const requestId of this.#state.unasked()) {
      const params = { requestId, reason: 'The Greenroom daemon ended.' };
      this.#tell(writeMessage({ jsonrpc: '2.0', method: 'notifications/cancelled', params }));
    }
  }

  /** Refuses what waits, and resolves when the client asks for something again. */
  async #withoutDaemon(reason: string): Promise<void> {
    this.#note(reason);
    this.#refuseAll(reason);
    if (this.#held.length > 0 || this.#isOver) return;
    await new Promise<void>((resolve) => {
      this.#onNews = resolve;
    });
  }

  #refuseAll(reason: string): void {
    for (const message of this.#held.splice(0)) this.#state.said(message);
    for (const id of this.#state.giveUp()) this.#refuse(id, reason);
  }

  #refuse(id: RequestId, message: string): void {
    this.#tell(writeMessage({ jsonrpc: '2.0', id, error: { code: DAEMON_ENDED, message } }));
  }

  #takeOfClient(line: string): void {
    let message: JsonRpcMessage;
    try {
      message = readMessage(line);
    } catch (error) {
      if (!(error instanceof NoMessage)) throw error;
      const fault = { code: RPC_ERROR.parse, message: `This line is no message of MCP: ${error.message}.` };
      this.#tell(writeMessage({ jsonrpc: '2.0', id: null, error: fault }));
      return;
    }
    if (this.#socket === undefined) {
      if (this.#held.push(message) >= MAX_HELD) this.#input.pause();
    } else {
      this.#state.said(message);
      if (!this.#socket.write(`${line}\n`)) this.#input.pause();
    }
    this.#onNews();
  }

  #takeOfDaemon(line: string): void {
    const answered = idIn(ANSWER, line);
    if (answered !== undefined && isNotBegun(line)) return this.#state.notBegun(answered);
    if (answered !== undefined && !this.#state.answered(answered)) return;
    const asked = idIn(QUESTION, line);
    if (asked !== undefined) this.#state.asked(asked);
    const takenBack = idIn(TAKEN_BACK, line);
    if (takenBack !== undefined) this.#state.asked(takenBack, false);
    this.#tell(line, answered !== undefined);
  }

  #send(message: JsonRpcMessage): void {
    this.#socket?.write(`${writeMessage(message)}\n`);
  }

  #tell(line: string, isAnswer = false): void {
    if (this.#isOver || this.#output.write(this.#apart.line(line, isAnswer))) return;
    const socket = this.#socket;
    socket?.pause();
    this.#output.once('drain', () => socket?.resume());
  }

  /** The client has ended, and with it the connection: the daemon cancels what still runs for it. */
  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket?.destroySoon();
    this.#onNews();
  }
}

function idIn(form: RegExp, line: string): RequestId | undefined {
  const found = form.exec(line)?.[1];
  // A number may be larger than JSON.parse keeps it.
  return found === undefined ? undefined : (readJson(found) as RequestId);
}

/** Whether an answer says that its request was not begun: it waits on, for the next daemon. */
function isNotBegun(line: string): boolean {
  if (!line.includes(`"${NOT_BEGUN}":true`)) return false;
  const { result, error } = readJson(line) as { result?: { _meta?: JsonObject }; error?: { data?: JsonObject } };
  return (result?._meta ?? error?.data)?.[NOT_BEGUN] === true;
}

/** Cuts what comes into lines. */
class Lines extends LineReader {
  readonly #onText: (line: string) => void;
  readonly #note: (message: string) => void;
  readonly #onOver: () => void;

  constructor(onText: (line: string) => void, note: (message: string) => void, onOver: () => void = () => {}) {
    super();
    this.#onText = onText;
    this.#note = note;
    this.#onOver = onOver;
  }

  protected onLine(line: string): void {
    this.#onText(line);
  }

  protected onTooLong(): void {
    this.skipLine();
    this.#note(`A message of more than ${MAX_LINE_LENGTH / 2 ** 20} MiB was ignored.`);
  }

  protected onEnd(): void {
    this.#onOver();
  }
}
