// The program of the thread in which the jobs' database is: SQLite blocks whoever asks it, and waits for the disk.
import { closeSync, existsSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { describeError } from '../../sync/error-message.ts';
import type { Hint } from '../job-store.ts';
import { type Database, openDatabase } from './database.ts';
import { mustOutlastPower, writes } from './durability.ts';
import { JobTable } from './job-table.ts';
import { JobViews } from './job-views.ts';
import { JobsToMove } from './jobs-to-move.ts';
import { keepCopy } from './keep-copy.ts';
import type { HostMessage, StoreAnswer, StoreMessage, StoreRequest, StoreThreadData } from './messages.ts';
import { Statements } from './statements.ts';
import { isDamage, storeFault } from './store-fault.ts';
import { prepareTables } from './tables.ts';
import { ValueFiles } from './value-files.ts';

const { folder, history, held } = workerData as StoreThreadData;
const file = join(folder, 'jobs.db');
/** Is there while a program uses the store: if it is found at the start, the last end was not an orderly one. */
const inUse = join(folder, 'in-use');

/** How many jobs may end before the history is pruned again. */
const PRUNE_EVERY = 100;

/** The longest time after which jobs that are due are looked for, in milliseconds: the clock may be set meanwhile. */
const LONGEST_TURN_MS = 10_000;

function say(message: StoreMessage): void {
  parentPort?.postMessage(message, []);
}

let hints: Hint[] = [];
let endedSince = 0;

try {
  serve(await open());
} catch (error) {
  say({ failed: describeError(storeFault(error, file)) });
}

/** What answers to the host. */
interface Opened {
  readonly database: Database;
  readonly table: JobTable;
  readonly views: JobViews;
  readonly toMove: JobsToMove;
}

async function open(): Promise<Opened> {
  // SQLite would let others read it, and its log has the mode of the database.
  closeSync(openSync(file, 'a', 0o600));
  const database = await openDatabase(file);
  try {
    prepareTables(database, file, !existsSync(inUse));
    writeFileSync(inUse, '', { mode: 0o600 });
    const hint = (told: Hint): void => {
      hints.push(told);
      if (told.kind === 'ended') endedSince += 1;
    };
    const files = new ValueFiles(join(folder, 'values'));
    const now = (): number => Date.now();
    const statements = new Statements(database);
    const table = new JobTable({ statements, files, history, now, hint });
    inTransaction(database, table, true, () => table.recover(held));
    const views = new JobViews(statements, files);
    return { database, table, views, toMove: new JobsToMove({ database, files, now }) };
  } catch (error) {
    if (isDamage(error)) keepCopy(file);
    database.close();
    throw error;
  }
}

function serve(opened: Opened): void {
  const { database, table } = opened;
  let timer: NodeJS.Timeout | undefined;
  const turn = (): void => {
    clearTimeout(timer);
    let next: number | undefined;
    inTransaction(database, table, false, () => (next = table.turn()));
    if (endedSince >= PRUNE_EVERY) {
      endedSince = 0;
      inTransaction(database, table, false, () => table.prune());
    }
    if (hints.length > 0) say({ hints: takeHints() });
    const wait = next === undefined ? LONGEST_TURN_MS : Math.min(Math.max(next - Date.now(), 0), LONGEST_TURN_MS);
    timer = setTimeout(guardedTurn, wait);
  };
  // A full disk is told of by what the host asks next, and may have room again.
  const guardedTurn = (): void => {
    try {
      turn();
    } catch {
      timer = setTimeout(guardedTurn, LONGEST_TURN_MS);
    }
  };
  parentPort?.on('message', (message: HostMessage) => {
    if ('close' in message) {
      clearTimeout(timer);
      inTransaction(database, table, false, () => table.prune());
      database.close();
      rmSync(inUse, { force: true });
      say({ closed: true });
      parentPort?.close();
      return;
    }
    say({ answers: answersTo(opened, message.batch), hints: takeHints() });
    guardedTurn();
  });
  const waiting = table.waitingPlugins();
  hints = [];
  say({ opened: true, waiting });
  guardedTurn();
}

function takeHints(): Hint[] {
  const taken = hints;
  hints = [];
  return taken;
}

/** Does a batch in one transaction. A request that fails undoes what it did itself, and no other. */
function answersTo(opened: Opened, batch: readonly StoreRequest[]): StoreAnswer[] {
  const { database, table } = opened;
  if (batch.every(({ method }) => !writes(method))) return batch.map((request) => answerTo(opened, request));
  const isDurable = batch.some(mustOutlastPower);
  try {
    const answers: StoreAnswer[] = [];
    inTransaction(database, table, isDurable, () => {
      for (const request of batch) {
        database.exec('SAVEPOINT request');
        const undo = table.savepoint();
        const answer = answerTo(opened, request);
        if ('error' in answer) {
          database.exec('ROLLBACK TO request');
          undo();
        }
        database.exec('RELEASE request');
        answers.push(answer);
      }
    });
    return answers;
  } catch (error) {
    // What is not durable did not happen.
    hints = [];
    const described = describeError(storeFault(error, file));
    return batch.map(() => ({ error: described }));
  }
}

function answerTo({ table, views, toMove }: Opened, { method, args }: StoreRequest): StoreAnswer {
  try {
    const of = [views, toMove].find((each) => method in each) ?? table;
    const act = of[method as keyof typeof of] as (...given: readonly unknown[]) => unknown;
    return { value: act.apply(of, args as unknown[]) };
  } catch (error) {
    return { error: describeError(storeFault(error, file)) };
  }
}

function inTransaction(database: Database, table: JobTable, isDurable: boolean, act: () => void): void {
  database.exec(isDurable ? 'PRAGMA synchronous = FULL' : 'PRAGMA synchronous = NORMAL');
  database.exec('BEGIN IMMEDIATE');
  const undo = table.savepoint();
  try {
    act();
    database.exec('COMMIT');
  } catch (error) {
    undo();
    // A full disk may have ended the transaction already.
    try {
      database.exec('ROLLBACK');
    } catch {}
    throw error;
  }
  table.committed();
}
