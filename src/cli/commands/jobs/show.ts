import type { Attempt, JobWithAttempts } from '../../../jobs/job.ts';
import { durationText } from '../../../text/duration-text.ts';
import { oneLine } from '../../../text/printable.ts';
import { DATA_DIR_OPTIONS, defineCommand } from '../../command.ts';
import { atJobs } from '../../jobs/at-jobs.ts';
import { findJob } from '../../jobs/find-job.ts';
import { calledText, detailText, errorLine, stateText } from '../../jobs/job-text.ts';
import type { Style } from '../../terminal/style.ts';
import { formatTable } from '../../terminal/table.ts';

/** `greenroom jobs show`: one job, with its attempts. */
export const command = defineCommand({
  usage: 'jobs show ID',
  about: 'Shows a job with its attempts: when each began and ended, and why it failed.',
  options: {
    input: { type: 'boolean', help: 'print its input alone, as JSON' },
    result: { type: 'boolean', help: 'print its result alone, as "greenroom run" does; fails as the job failed' },
    ...DATA_DIR_OPTIONS,
  },
  operands: [1, 1],
  examples: [
    ['greenroom jobs show 019ae2c4-1f3b', 'the job that begins so'],
    ['greenroom jobs show 019ae2c4-1f3b --result > talk.json', 'what came out of it; waits for its end'],
  ],
  statuses: [0, 1, 2, 4, 5, 6, 7, 8, 130],
  run({ values, operands: [given = ''], terminal }) {
    return atJobs(values, terminal, async ({ daemon: { jobs }, signal }) => {
      const id = await findJob(jobs, given);
      if (values.input === true) await terminal.printJson((await jobs.values(id)).input);
      if (values.result === true) await terminal.printJson(await (await jobs.get(id)).result({ signal }));
      if (values.input === true || values.result === true) return 0;
      const job = await jobs.read(id);
      if (terminal.json) await terminal.printJson(job);
      else await terminal.print(jobLines(job, Date.now(), terminal.out).join('\n'));
      return 0;
    });
  },
});

function jobLines(job: JobWithAttempts, now: number, style: Style): string[] {
  const { id, state, priority, key, after, once, addedAt, attempt, attempts, interruptions, history } = job;
  const detail = oneLine(detailText(job, now));
  const facts: (readonly [string, string])[] = [
    ['Job', id],
    ['Plugin', calledText(job)],
    ['State', `${stateText(state, style)}${detail === '' ? '' : `  ${detail}`}`],
    ['Added', `${timeText(addedAt)}, ${durationText(now - addedAt)} ago`],
    ['Attempts', `${attempt} of ${attempts}${once ? ', begins only once' : ''}`],
    ...(interruptions > 0 ? [['Interrupted', interruptions === 1 ? 'once' : `${interruptions} times`] as const] : []),
    ...(priority === 0 ? [] : [['Priority', String(priority)] as const]),
    ...(key === undefined ? [] : [['Key', oneLine(key)] as const]),
    ...(after.length === 0 ? [] : [['After', after.join(', ')] as const]),
  ];
  const rows = history.map((each) => attemptRow(each, now, style));
  const past =
    rows.length === 0 ? [] : ['', ...formatTable([['  ', 'BEGAN', 'TOOK', 'END', ''].map(style.bold), ...rows])];
  return [...formatTable(facts.map(([name, value]) => [style.bold(name), value])), ...past];
}

function attemptRow({ number, startedAt, endedAt, end, error }: Attempt, now: number, style: Style): string[] {
  const took = durationText((endedAt ?? now) - startedAt);
  const how =
    end === undefined ? stateText('running', style) : end === 'interrupted' ? style.yellow(end) : stateText(end, style);
  return [
    String(number).padStart(2),
    timeText(startedAt),
    took,
    how,
    error === undefined ? '' : oneLine(errorLine(error)),
  ];
}

/** A moment in local time: `2026-11-30 16:58:02`. */
function timeText(ms: number): string {
  const date = new Date(ms);
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${date.toTimeString().slice(0, 8)}`;
}
