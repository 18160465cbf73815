import type { Server } from 'node:net';
import { FramedConnection } from './framed-connection.ts';
import { KeptAnswers } from './kept-answers.ts';
import { stringify } from './originals.ts';
import type { PluginCalls } from './plugin-calls.ts';

const { createServer } = process.getBuiltinModule('node:net');

/** What {@link createFramedServer} needs. */
export interface FramedServerSettings {
  readonly token: string;
  readonly nonce: string;
  readonly calls: PluginCalls;
}

/** A server that answers calls as frames, of version 2 of the protocol. */
export function createFramedServer({ token, nonce, calls }: FramedServerSettings): Server {
  const settings = { token, welcome: stringify({ nonce }), calls, kept: new KeptAnswers() };
  return createServer({ noDelay: true }, (socket) => new FramedConnection(socket, settings));
}
