import type { Client } from '../../../client/client.ts';
import { GreenroomError } from '../../../errors.ts';
import { MAX_KEY, MAX_TRIES } from '../../../jobs/add-limits.ts';
import type { AddOptions } from '../../../jobs/add-options.ts';
import type { JobHandle } from '../../../jobs/job-handle.ts';
import { callInput } from '../../call-input.ts';
import { DATA_DIR_OPTIONS, defineCommand, INPUT_OPTIONS } from '../../command.ts';
import { atJobs } from '../../jobs/at-jobs.ts';
import { findJob } from '../../jobs/find-job.ts';
import { followToEnd } from '../../jobs/follow-job.ts';
import { millisecondsOf } from '../../seconds.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { UsageError } from '../../usage-error.ts';

/** `greenroom jobs add`: hands calls over to the daemon, one for each input. */
export const command = defineCommand({
  usage: 'jobs add PLUGIN [INPUT…]',
  about:
    'Adds a job for each INPUT, or one without: JSON as for "greenroom run"; - reads it from standard input. Prints their\nidentifiers once they are on the disk. A daemon is started if none runs; it ends by itself once all jobs are done.',
  options: {
    ...INPUT_OPTIONS,
    priority: { type: 'string', value: 'NUMBER', help: 'higher goes first among the jobs of a plugin; default 0' },
    attempts: { type: 'string', value: 'COUNT', help: 'how many attempts a job may have; default 3' },
    delay: { type: 'string', value: 'SECONDS', help: 'do not run it before this time has passed' },
    timeout: { type: 'string', short: 't', value: 'SECONDS', help: 'how long an attempt may take' },
    ttl: { type: 'string', value: 'SECONDS', help: 'give up where it has not begun after this time' },
    key: { type: 'string', value: 'NAME', help: 'add it only where there is no job with this key' },
    after: { type: 'string', multiple: true, value: 'ID', help: 'run it after this job is done; may be repeated' },
    once: { type: 'boolean', help: 'do not begin it a second time, whatever happens to the first' },
    stream: { type: 'boolean', short: 's', help: 'call the tool for its stream: the result is the list of its chunks' },
    wait: { type: 'boolean', short: 'w', help: 'wait for the end, and print the results as "greenroom run" does' },
    ...DATA_DIR_OPTIONS,
  },
  operands: [1, Infinity],
  examples: [
    [`greenroom jobs add whisper '{"file":"talk.wav"}' --key talk.wav`, 'only once, however often it is typed'],
    ['greenroom jobs add whisper -a file=talk.wav --wait', 'as a call that outlives this terminal'],
    ['greenroom jobs add index --after 019ae2c4-1f3b --delay 60', 'after another job'],
  ],
  statuses: [0, 1, 2, 4, 5, 6, 7, 8, 130],
  async run({ values, operands: [plugin = '', ...given], terminal }) {
    const options: AddOptions = {
      tool: values.tool,
      priority: values.priority === undefined ? undefined : numberOf('--priority', values.priority),
      attempts: values.attempts === undefined ? undefined : attemptsOf(values.attempts),
      delayMs: values.delay === undefined ? undefined : millisecondsOf('--delay', values.delay),
      timeoutMs: values.timeout === undefined ? undefined : millisecondsOf('--timeout', values.timeout),
      ttlMs: values.ttl === undefined ? undefined : millisecondsOf('--ttl', values.ttl),
      key: values.key === undefined ? undefined : keyOf(values.key),
      once: values.once,
      stream: values.stream,
    };
    const texts: readonly (string | undefined)[] = given.length === 0 ? [undefined] : given;
    if (options.key !== undefined && texts.length > 1)
      throw new UsageError('--key is the name of one job, and there are several inputs.');
    if (texts.filter((text) => text === '-').length > 1)
      throw new UsageError('Standard input is one input; give - only once.');
    const inputs: unknown[] = [];
    for (const text of texts) inputs.push(await callInput(text, values.arg ?? []));
    const add = async (daemon: Client): Promise<readonly JobHandle[]> => {
      await haveSeen(daemon, plugin);
      const after: string[] = [];
      for (const each of values.after ?? []) after.push(await findJob(daemon.jobs, each));
      // All or none.
      const graph = inputs.map((input, at) => [`input ${at + 1}`, { plugin, input, ...options, after }] as const);
      return Object.values(await daemon.jobs.addAll(Object.fromEntries(graph)));
    };
    return atJobs(
      values,
      terminal,
      async ({ daemon, signal }) => {
        const added = await add(daemon);
        if (values.wait !== true) {
          await tell(added, terminal);
          return 0;
        }
        for (const { waitsFor } of added.slice(0, 1))
          if (waitsFor !== undefined) terminal.note(`It waits: ${waitsFor}`);
        const onAbort = (): void => terminal.note(goesOn(added));
        signal.addEventListener('abort', onAbort);
        for (const job of added) {
          await followToEnd(job, { signal, bar: !terminal.json });
          await terminal.printJson(await job.result({ signal }));
        }
        return 0;
      },
      true,
    );
  },
});

/** A daemon may not have seen yet what was just written. */
async function haveSeen(daemon: Client, plugin: string): Promise<void> {
  try {
    await daemon.plugin(plugin).snapshot();
  } catch (error) {
    if (!(error instanceof GreenroomError) || error.code !== 'E_UNKNOWN_PLUGIN') throw error;
    await daemon.discover();
  }
}

async function tell(added: readonly JobHandle[], terminal: Terminal): Promise<void> {
  for (const { id, plugin, isNew, waitsFor } of added) {
    await terminal.print(terminal.json ? JSON.stringify({ id, plugin, isNew, waitsFor }) : id);
    if (!isNew) terminal.note('There is a job with this key, and nothing was added.');
  }
  const [first] = added;
  if (first?.waitsFor !== undefined) terminal.note(`Waiting: ${first.waitsFor}`);
  else if (process.stderr.isTTY)
    terminal.note(
      `Follow ${added.length === 1 ? `it: greenroom jobs watch ${first?.id}` : 'them: greenroom jobs watch'}`,
    );
}

function goesOn(added: readonly JobHandle[]): string {
  const ids = added.map(({ id }) => id).join(' ');
  return `\nThe daemon goes on with ${added.length === 1 ? 'the job' : 'the jobs'}. To end that, run: greenroom jobs cancel ${ids}`;
}

function numberOf(option: string, text: string): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isFinite(number)) return number;
  throw new UsageError(`${option} must be a number, got "${text}".`);
}

function attemptsOf(text: string): number {
  if (/^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_TRIES) return Number(text);
  throw new UsageError(`--attempts must be a whole number from 1 to ${MAX_TRIES}, got "${text}".`);
}

function keyOf(text: string): string {
  if (text !== '' && text.length <= MAX_KEY) return text;
  throw new UsageError(
    `--key must be a text of 1 to ${MAX_KEY} characters, got ${text === '' ? 'none' : text.length}.`,
  );
}
