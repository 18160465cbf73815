import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../../client/client.ts';
import { GreenroomError, messageOf } from '../../errors.ts';
import { findSqlite, SQLITE_NEXT, whyMissing } from '../../jobs/embedded/database.ts';
import { lookAtStore } from '../../jobs/embedded/look-at-store.ts';
import { isFinal, JOB_STATES, type JobState } from '../../jobs/job.ts';
import { displayPath } from '../terminal/display-path.ts';
import type { Finding } from './check.ts';

const CHECK = 'jobs';

type Counts = Readonly<Partial<Record<JobState, number>>>;

/** Whether jobs can be kept, and how many there are. @param daemon that of the data directory, if one answers */
export async function checkJobs(dataDir: string, daemon: Client | undefined): Promise<Finding[]> {
  const sqlite = await checkSqlite();
  // Another Node may have opened what this one cannot.
  if (sqlite.level !== 'ok' && daemon === undefined) return [sqlite];
  return [sqlite, await checkStore(join(dataDir, 'jobs'), daemon)];
}

async function checkSqlite(): Promise<Finding> {
  try {
    const { name, version } = await findSqlite();
    return { check: CHECK, level: 'ok', found: `SQLite ${version} of ${name}` };
  } catch (error) {
    const why = whyMissing(error instanceof GreenroomError ? error.cause : error);
    return {
      check: CHECK,
      level: 'warn',
      found: `they are kept in SQLite, which Node ${process.versions.node} does not have.${why}`,
      next: SQLITE_NEXT,
    };
  }
}

async function checkStore(folder: string, daemon: Client | undefined): Promise<Finding> {
  const shown = displayPath(folder);
  const ok = (found: string): Finding => ({ check: CHECK, level: 'ok', found: `${shown}: ${found}` });
  // A daemon that is asked for jobs opens the store, which makes it.
  if (!existsSync(join(folder, 'jobs.db'))) return ok('none yet, created when needed');
  try {
    if (daemon !== undefined) return ok(`${countsText(ofAllPlugins(await daemon.jobs.counts()))}, at the daemon`);
    const look = await lookAtStore(folder);
    if (look.kind === 'in use') return ok('in use by another program');
    for (const path of [folder, join(folder, 'jobs.db')]) accessSync(path, constants.R_OK | constants.W_OK);
    return ok(look.kind === 'none' ? 'none yet, created when needed' : `${countsText(look.counts)}, and no daemon`);
  } catch (error) {
    const next = 'Until then jobs are refused with E_JOB_STORE; everything else works.';
    return { check: CHECK, level: 'fail', found: messageOf(error), next };
  }
}

function ofAllPlugins(counts: Readonly<Record<string, Counts>>): Counts {
  const all = Object.values(counts);
  const sum = (state: JobState): number => all.reduce((total, of) => total + (of[state] ?? 0), 0);
  return Object.fromEntries(JOB_STATES.map((state) => [state, sum(state)]));
}

/** For example "2 waiting, 1 running, 40 ended". */
function countsText(counts: Counts): string {
  const open = JOB_STATES.filter((state) => !isFinal(state) && (counts[state] ?? 0) > 0);
  const ended = JOB_STATES.filter(isFinal).reduce((total, state) => total + (counts[state] ?? 0), 0);
  const parts = open.map((state) => `${counts[state]} ${state}`);
  return [...(parts.length === 0 ? ['0 waiting'] : parts), `${ended} ended`].join(', ');
}
