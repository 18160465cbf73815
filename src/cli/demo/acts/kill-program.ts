import { join } from 'node:path';
import { GreenroomError } from '../../../errors.ts';
import { findSqlite } from '../../../jobs/embedded/database.ts';
import { type JobsRun, type Library, runJobsProgram } from '../jobs-program.ts';
import type { Stage } from '../stage.ts';
import { countOf } from '../words.ts';
import { INDEX } from '../workshop.ts';

/** As many are indexed in about a second. */
const MOST_FILES = 2_000;

/** Fewer jobs may be done before anything can happen to the program, so it is killed before the first one begins. */
const FEW_JOBS = 20;

/** How often it is tried: the jobs may be done before the kill takes effect. */
const TRIES = 5;

/** A program is killed in the middle of its jobs, and does the others when it is started again. */
export async function killProgram(stage: Stage): Promise<void> {
  if (stage.missing.has(INDEX)) return;
  stage.act(
    'A program is killed in the middle of its jobs',
    'A call ends with its program, a job does not: it is on the disk. Another program, examples/index-jobs.mjs, has files indexed as jobs, and is killed with SIGKILL. Started again, it goes on where it was.',
    INDEX,
  );
  const obstacle = await obstacleToJobs();
  if (obstacle !== undefined) {
    stage.missing.add('jobs');
    stage.emit({ type: 'missing', plugin: 'jobs', reason: obstacle, remedy: '' });
    return;
  }
  const files = stage.corpus.files.slice(0, MOST_FILES);
  for (let tries = 0; tries < TRIES; tries += 1) {
    const folder = join(stage.workshop.scratch, `jobs-${tries}`);
    const isHalfWay = (jobs: number, done: number): boolean => done >= (jobs < FEW_JOBS || tries > 0 ? 0 : jobs / 2);
    const killed = await runJobsProgram(stage, { folder, files, killAt: isHalfWay });
    if (killed.library !== undefined) continue;
    const startedAt = stage.now();
    const again = await runJobsProgram(stage, { folder, files });
    if (again.library !== undefined && again.ended.size > 0)
      return show(stage, killed, again, again.library, stage.now() - startedAt);
  }
  throw new Error(`The jobs were done before the program could be killed, ${TRIES} times.`);
}

/** Why there can be no jobs here: what they are kept in is not installed. */
async function obstacleToJobs(): Promise<string | undefined> {
  try {
    await findSqlite();
    return undefined;
  } catch (error) {
    if (error instanceof GreenroomError) return error.message;
    throw error;
  }
}

function show(stage: Stage, killed: JobsRun, again: JobsRun, library: Library, ms: number): void {
  const { files, indexed, unchanged } = library;
  const [before, after] = [again.doneBefore, again.ended.size];
  const twice = [...again.ended].filter((job) => killed.ended.has(job)).length;
  if (twice > 0 || before + after !== again.jobs || indexed + unchanged !== files)
    throw new Error(
      `Of ${again.jobs} jobs ${before} were done before the kill, ${after} after it, ${twice} twice; ` +
        `${files} files are in the library, of which ${indexed} were indexed and ${unchanged} were found.`,
    );
  const data = { jobs: again.jobs, before, after, twice, ...library };
  stage.result(INDEX, 'jobs', ms, `${before} jobs were done before the kill, ${after} after it, none twice`, data);
  const foundAgain =
    unchanged === 0
      ? 'The plugin commits the files of a job as a whole, so one that is cut off leaves nothing.'
      : `${countOf(unchanged, 'file')} of jobs whose end was not noted before the kill: they began again, and found their work done.`;
  stage.note(`${countOf(files, 'file')} are in the library, each once. ${foundAgain}`);
  stage.timing('kill of a program, to the end of its worker', killed.killMs ?? 0);
  stage.timing('start of it again, to the last job', ms, `${after} of ${countOf(again.jobs, 'job')}`);
}
