import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { expect, onTestFinished } from 'vitest';
import type { SupervisorOptions } from '../../src/index.ts';
import { modelFront } from '../../src/models/model-front.ts';
import { HttpServer } from '../../src/server/http-server.ts';
import { eventually } from '../eventually.ts';
import { type OpenedSupervisor, openSupervisor } from '../runtime/greenroom.ts';

const SERVER = fileURLToPath(new URL('../fixtures/models/server.mjs', import.meta.url));

/** What a server of models noted. */
export interface Noted {
  readonly event: 'start' | 'request' | 'left' | 'upgrade';
  readonly pid: number;
  readonly path: string;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A front before servers of models, and clients for it. */
export interface OpenedFront {
  readonly opened: OpenedSupervisor;
  readonly url: string;
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
  /** What the servers noted so far, in order; of one plugin where it is named. */
  notes(plugin?: string): Noted[];
  /** Resolves with the first note that fits. */
  noted(event: Noted['event'], fits?: (note: Noted) => boolean): Promise<Noted>;
  /** Ends the server of the plugin "a". */
  crash(): Promise<void>;
  /** Lets a server become healthy that was told to wait. */
  openDoor(): void;
}

/** How a front is opened. */
export interface FrontOptions {
  readonly keys?: readonly string[];
  /** Why the keys cannot be read. */
  readonly keysError?: Error;
  /** The most bytes of bodies that are kept in memory. */
  readonly memoryBytes?: number;
  /** The most bytes of forms that are kept in files. */
  readonly spoolBytes?: number;
  readonly allowOrigins?: readonly string[];
  readonly settings?: SupervisorOptions;
  /** Whether the servers become healthy only when the door is open. */
  readonly door?: boolean;
}

/** Opens a front before a server of models for each plugin; `models` is the plugin's name where it is not said. */
export async function openFront(
  manifests: Readonly<Record<string, Record<string, unknown>>>,
  { keys, keysError, memoryBytes, spoolBytes, allowOrigins, settings, door = false }: FrontOptions = {},
): Promise<OpenedFront> {
  const opened = await openSupervisor(
    ({ scratch }) =>
      Object.fromEntries(
        Object.entries(manifests).map(([name, manifest]) => {
          const args = [SERVER, '--log', join(scratch, 'log'), ...(door ? ['--door', join(scratch, 'door')] : [])];
          return [name, { worker: 'http', command: process.execPath, args, models: [name], ...manifest }];
        }),
      ),
    settings,
  );
  const errors: unknown[] = [];
  const front = modelFront(opened.supervisor, {
    keys:
      keys &&
      (() => {
        if (keysError !== undefined) throw keysError;
        return keys;
      }),
    memoryBytes,
    spoolBytes,
    onError: (error) => errors.push(error),
  });
  const server = await HttpServer.listen({ fronts: [front], address: { host: '127.0.0.1', port: 0 }, allowOrigins });
  onTestFinished(async () => {
    await server.close(0);
    for (const error of errors) expect((error as Error).cause).toBe(keysError);
    expect(errors.length > 0).toBe(keysError !== undefined);
  });
  const url = `http://127.0.0.1:${server.port}`;
  const apiKey = keys?.[0] ?? 'none';
  const log = join(opened.scratch, 'log');
  const notes = (): Noted[] =>
    existsSync(log)
      ? readFileSync(log, 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Noted)
      : [];
  return {
    opened,
    url,
    openai: new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 }),
    anthropic: new Anthropic({ baseURL: url, apiKey, maxRetries: 0 }),
    notes,
    noted: (event, fits = () => true) =>
      eventually(
        () => {
          const found = notes().find((note) => note.event === event && fits(note));
          expect(found).toBeDefined();
          return found as Noted;
        },
        { interval: 10 },
      ),
    async crash() {
      await (await fetch(`${url}/upstream/a/crash`)).text();
    },
    openDoor: () => writeFileSync(join(opened.scratch, 'door'), ''),
  };
}
