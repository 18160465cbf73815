import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { GreenroomError, messageOf } from '../../errors.ts';
import { SECURITY_HEADERS } from '../../server/answer.ts';
import type { Exchange, Route } from '../../server/route.ts';
import type { SessionHeader } from '../wire.ts';
import { type Api, serveInspector } from './front.ts';
import { servingText } from './serving-text.ts';

/** A session that is served to a page. */
export interface OpenedSession {
  /** The address of the page, with the token that opens it. */
  readonly url: string;
  /** When the session was begun, in milliseconds since the epoch. */
  readonly at: number;
  close(): Promise<void>;
}

/**
 * Serves a recorded or exported session on 127.0.0.1. Rejects with `E_OPTIONS` if the file is not a session, or the port is taken.
 *
 * @param folder where the page's files lie; by default in this package
 */
export async function openSession(file: string, port = 0, folder?: string): Promise<OpenedSession> {
  const { at } = await readHeader(file);
  try {
    const { url, close } = await serveInspector(new SessionApi(file), port, folder);
    return { url, at, close };
  } catch (error) {
    throw new GreenroomError('E_OPTIONS', servingText('session', port, error), {
      cause: error,
    });
  }
}

/** Shows a session from a file: what streams of a supervisor is the whole session here. */
class SessionApi implements Api {
  readonly routes: readonly Route[];
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
    const handle = (exchange: Exchange): Promise<void> => this.#stream(exchange);
    this.routes = [{ method: 'GET', path: '/api/stream', access: 'token', handle }];
  }

  finish(): void {}

  async #stream({ response }: Exchange): Promise<void> {
    const source = await open(this.#file);
    response.writeHead(200, {
      ...SECURITY_HEADERS,
      'content-type': 'application/x-ndjson; charset=utf-8',
      'greenroom-session': encodeURIComponent(basename(this.#file)),
    });
    await pipeline(source.createReadStream(), response);
  }
}

/** The header has a kilobyte for each plugin of the session. */
const MAX_HEADER_LENGTH = 64 * 1024 * 1024;

async function readHeader(file: string): Promise<SessionHeader> {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new GreenroomError('E_OPTIONS', `${file} ${reason}`, { cause });
  };
  let line = '';
  try {
    for await (const piece of createReadStream(file, 'utf8') as AsyncIterable<string>) {
      line += piece;
      if (piece.includes('\n') || line.length > MAX_HEADER_LENGTH) break;
    }
  } catch (error) {
    return refuse(`cannot be read: ${messageOf(error)}`, error);
  }
  if (line.trim() === '')
    return refuse('is empty. Export a session in the inspector, or record one, and open that file.');
  if (line.length > MAX_HEADER_LENGTH && !line.includes('\n'))
    return refuse('is not a Greenroom session: its first line has no end.');
  let header: Partial<SessionHeader> | null;
  try {
    header = JSON.parse(line.slice(0, line.indexOf('\n') + 1 || undefined)) as Partial<SessionHeader> | null;
  } catch (error) {
    return refuse('is not a Greenroom session: its first line is not JSON.', error);
  }
  if (header?.format !== 'greenroom-session')
    return refuse('is not a Greenroom session: its first line is not a header.');
  if (header.version !== 1)
    return refuse(`is a session of version ${String(header.version)}; this version of Greenroom reads only version 1.`);
  return header as SessionHeader;
}
