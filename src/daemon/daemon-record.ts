import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fateOf, type ProcessIdentity } from '../process/process-identity.ts';

/*
 * What the command line reads before it does anything else. Nothing here, nor in what it imports, may import more than
 * modules of Node: a test follows the imports.
 */

/** What a daemon says of itself while it runs. */
export interface DaemonFacts {
  /** The path of its Unix socket, or of its named pipe on Windows. */
  readonly socket: string;
  /** Where it listens on TCP, such as `127.0.0.1:8484`; null where it does not. */
  readonly tcp: string | null;
  /** The version of Greenroom. */
  readonly version: string;
  /** Where it looks for manifests, as absolute paths. */
  readonly searchPaths: readonly string[];
  /** The configuration files of MCP clients that it reads, as absolute paths; absent in records of older versions. */
  readonly mcpConfigs?: readonly string[] | undefined;
  /** Whether it takes connections already; false between its claim and that. */
  readonly listening: boolean;
}

/** What the lock file of a data directory says of the daemon that owns it. */
export interface DaemonRecord extends DaemonFacts, ProcessIdentity {
  /** Differs for every claim. */
  readonly id: string;
  /** The name of the machine, or of the container. */
  readonly machine: string;
  /** When it began, in milliseconds since the epoch. */
  readonly startedAt: number;
}

/** A lock file as it was found. `record`: undefined where its text is no record of a daemon. */
export interface FoundRecord {
  readonly record: DaemonRecord | undefined;
  /** When the file was last touched, by the clock of its file system: changes while its owner lives. */
  readonly touched: number;
}

/** A record is a few hundred bytes, its search paths included. */
const MAX_BYTES = 1024 * 1024;

/** The lock file of a data directory. */
export function daemonFile(dataDir: string): string {
  return join(dataDir, 'daemon.json');
}

/**
 * The record of the daemon that owns a data directory; undefined where none does. A daemon that this process cannot
 * see, as in another container, is returned as well: whether it lives, its socket tells. Never throws.
 */
export function readDaemon(dataDir: string): DaemonRecord | undefined {
  try {
    const record = readRecord(daemonFile(dataDir))?.record;
    return record === undefined || fateOfDaemon(record) === 'dead' ? undefined : record;
  } catch {
    return undefined;
  }
}

/** Reads a lock file; undefined where there is none. Throws what the file system throws. */
export function readRecord(file: string): FoundRecord | undefined {
  let descriptor: number;
  try {
    // A network file system is sure to ask its server only when a file is opened.
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { mtimeMs, size } = fstatSync(descriptor);
    return { record: size > MAX_BYTES ? undefined : parseRecord(readFileSync(descriptor, 'utf8')), touched: mtimeMs };
  } finally {
    closeSync(descriptor);
  }
}

/**
 * What became of the process of a record, as far as this process can see: `unknown` in another container, on another
 * machine that shares the folder, and where the system does not tell when a process started.
 */
export function fateOfDaemon(record: DaemonRecord): 'alive' | 'dead' | 'unknown' {
  const fate = fateOf(record);
  const isHere = record.machine === hostname();
  switch (fate) {
    case 'rebooted':
      // Two machines have two boots as well, with a folder of the network between them.
      return isHere ? 'dead' : 'unknown';
    case 'elsewhere':
      return 'unknown';
    case 'dead':
      return isHere || record.bootId !== null ? 'dead' : 'unknown';
    case 'alive':
      return record.startTime === null ? 'unknown' : 'alive';
  }
}

function parseRecord(text: string): DaemonRecord | undefined {
  let found: Partial<Record<keyof DaemonRecord, unknown>> | null;
  try {
    found = JSON.parse(text) as typeof found;
  } catch {
    return undefined;
  }
  if (typeof found !== 'object' || found === null) return undefined;
  const { pid, searchPaths, mcpConfigs = [] } = found;
  const isRecord =
    [found.id, found.machine, found.socket, found.version].every(isText) &&
    [found.startTime, found.bootId, found.pidNamespace, found.tcp].every((value) => value === null || isText(value)) &&
    found.socket !== '' &&
    Number.isInteger(pid) &&
    (pid as number) > 0 &&
    Number.isFinite(found.startedAt) &&
    typeof found.listening === 'boolean' &&
    Array.isArray(searchPaths) &&
    searchPaths.every(isText) &&
    Array.isArray(mcpConfigs) &&
    mcpConfigs.every(isText) &&
    // Names of files are made of it.
    /^[0-9a-f]{12}$/.test(found.id as string);
  return isRecord ? (found as DaemonRecord) : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
