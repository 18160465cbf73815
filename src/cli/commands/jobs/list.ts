import { JOB_STATES, type Job, type JobState } from '../../../jobs/job.ts';
import { durationText } from '../../../text/duration-text.ts';
import { didYouMean } from '../../arguments.ts';
import { DATA_DIR_OPTIONS, defineCommand } from '../../command.ts';
import { atJobs } from '../../jobs/at-jobs.ts';
import { calledText, detailText, idLength, stateText } from '../../jobs/job-text.ts';
import { pausedText } from '../../jobs/pausing.ts';
import type { Style } from '../../terminal/style.ts';
import { formatTable } from '../../terminal/table.ts';
import { fitText, textWidth } from '../../terminal/text-width.ts';
import { UsageError } from '../../usage-error.ts';

const CALLED_COLUMNS = 32;

/** What a line may have where the output is no terminal. */
const WIDE_COLUMNS = 200;
const LEAST_DETAIL = 12;

/** `greenroom jobs list`: the jobs of the daemon. */
export const command = defineCommand({
  usage: 'jobs list',
  about: 'Lists the jobs of the daemon, newest first. Identifiers are shown as far as they tell the jobs apart.',
  options: {
    plugin: { type: 'string', short: 'p', value: 'NAME', help: 'only jobs of this plugin' },
    state: { type: 'string', short: 's', value: 'STATE', help: `only these: ${JOB_STATES.join(', ')}` },
    limit: { type: 'string', short: 'n', value: 'COUNT', help: 'at most so many; default 50' },
    ...DATA_DIR_OPTIONS,
  },
  operands: [0, 0],
  examples: [
    ['greenroom jobs list', 'the newest 50'],
    ['greenroom jobs list --state failed --json', 'what failed, for a program'],
  ],
  statuses: [0, 2, 5, 6, 130],
  run({ values, terminal }) {
    const state = values.state === undefined ? undefined : stateOf(values.state);
    const limit = countOf(values.limit ?? '50');
    return atJobs(values, terminal, async ({ daemon: { jobs } }) => {
      const { jobs: found, next } = await jobs.list({ plugin: values.plugin, state, limit });
      if (terminal.json) {
        await terminal.printJson({ jobs: found, next });
        return 0;
      }
      const columns = process.stdout.isTTY ? (process.stdout.columns || 80) - 1 : WIDE_COLUMNS;
      if (found.length > 0) await terminal.print(jobTable(found, columns, terminal.out).join('\n'));
      else terminal.note(noneText(values.plugin, state));
      if (next !== undefined) terminal.note(`There may be more: greenroom jobs list --limit ${2 * limit}`);
      const paused = await jobs.paused();
      if (paused.length > 0) terminal.note(pausedText(paused));
      return 0;
    });
  },
});

function jobTable(jobs: readonly Job[], columns: number, style: Style): string[] {
  const now = Date.now();
  const length = idLength(jobs);
  const rows = jobs.map((job) => [
    job.id.slice(0, length),
    calledText(job, CALLED_COLUMNS),
    stateText(job.state, style),
    durationText(now - job.addedAt),
    `${job.attempt}/${job.attempts}`,
  ]);
  const table = formatTable([
    ['ID', 'PLUGIN', 'STATE', 'AGE', 'ATTEMPT', ''].map(style.bold),
    ...rows.map((row) => [...row, '.']),
  ]);
  const [head = '', ...lines] = table;
  return [
    head,
    ...lines.map((line, at) => {
      const before = line.slice(0, -1);
      const left = Math.max(LEAST_DETAIL, columns - textWidth(before));
      return `${before}${fitText(detailText(jobs[at] as Job, now), left)}`.trimEnd();
    }),
  ];
}

function noneText(plugin: string | undefined, state: JobState | undefined): string {
  const whose = plugin === undefined ? '' : ` of "${fitText(plugin, CALLED_COLUMNS)}"`;
  return `There are no jobs${whose}${state === undefined ? '' : ` that are ${state}`}.`;
}

function stateOf(text: string): JobState {
  const state = JOB_STATES.find((each) => each === text);
  if (state !== undefined) return state;
  const hint = didYouMean(text, JOB_STATES);
  throw new UsageError(`--state must be one of ${JOB_STATES.join(', ')}, got "${text}".`, hint);
}

function countOf(text: string): number {
  if (/^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= 1_000) return Number(text);
  throw new UsageError(`--limit must be a whole number from 1 to 1000, got "${text}".`);
}
