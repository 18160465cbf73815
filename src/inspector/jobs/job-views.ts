import { unpackValue } from '../../api/packed-value.ts';
import { GreenroomError } from '../../errors.ts';
import type { Job, JobWithAttempts } from '../../jobs/job.ts';
import type { Jobs } from '../../jobs/jobs.ts';
import type { StoredError } from '../../jobs/stored-error.ts';
import { bytesText } from '../../text/memory-text.ts';
import { MAX_KEPT, MAX_READ, MAX_SEARCHED, UNSEARCHED } from '../record/call-payload.ts';
import type { Recorder } from '../record/recorder.ts';
import { withoutTexts } from '../redaction/without-texts.ts';
import type { Json } from '../wire.ts';
import type { JobDetails, JobFailure, JobRow } from '../wire-jobs.ts';

/** How much is shown of a text in a row, in characters, and of one of a job that is shown alone. */
const MAX_ROW_TEXT = 300;
const MAX_TEXT = 4_096;
/** Of so many jobs before one it is told how they stand. */
const MAX_AFTER = 100;
/** Of so many jobs the secrets in their inputs are remembered. */
const MAX_REMEMBERED = 2_000;

/** The secrets of a job's input; undefined where that is too long to look for them. */
type Secrets = readonly string[] | undefined;

/** What is shown without secrets, and how; the recorder of an inspector. */
export type JobRedactor = Pick<Recorder, 'text' | 'value' | 'conceal' | 'showsValues'>;

/**
 * Jobs as the page shows them. What the input of a job has that is secret, by its names or by its tool's schema, shows in
 * no text of the job: the input is read for that where there is a text.
 */
export class JobViews {
  readonly #redactor: JobRedactor;
  /** The secrets in the inputs of jobs, which never change; the oldest first. */
  readonly #secrets = new Map<string, Secrets>();

  constructor(redactor: JobRedactor) {
    this.#redactor = redactor;
  }

  async rows(jobs: Jobs, shown: readonly Job[]): Promise<JobRow[]> {
    const rows: JobRow[] = [];
    // One after the other: inputs may be long.
    for (const job of shown) rows.push(this.#row(job, await this.#secretsOf(jobs, job), MAX_ROW_TEXT));
    return rows;
  }

  /** One job. Rejects with `E_JOB` where there is none. */
  async details(jobs: Jobs, id: string): Promise<JobDetails> {
    const job = await jobs.read(id);
    const { priority, key, once, interruptions, history, error } = job;
    const [{ input, result, secrets }, after] = await Promise.all([this.#values(jobs, job), afterOf(jobs, job)]);
    const text = (given: string): string => this.#text(given, secrets, MAX_TEXT);
    return {
      ...this.#row(job, secrets, MAX_TEXT),
      ...{ priority, key: key && text(key), once, interruptions, after, input, result },
      history: history.map(({ number, startedAt, endedAt, end, generation, error: own }) => ({
        ...{ number, startedAt, endedAt, end, generation },
        error: own && this.#failure(own, secrets, MAX_TEXT),
      })),
      stack: error?.remote?.stack && text(error.remote.stack),
      payloads: this.#redactor.showsValues,
    };
  }

  /** A text that is of no single job. */
  text(text: string): string {
    return this.#text(text, [], MAX_ROW_TEXT);
  }

  #row(job: Job, secrets: Secrets, limit: number): JobRow {
    const { id, plugin, tool, state, addedAt, dueAt, startedAt, endedAt, attempt, attempts, after, error } = job;
    // What it said of its last attempt says nothing of how it stands.
    const { progress, message } = (state === 'running' && job.progress) || {};
    return {
      ...{ id, plugin, tool, state, addedAt, dueAt, startedAt, endedAt, attempt, attempts },
      blockers: after.length,
      progress,
      message: message && this.#text(message, secrets, limit),
      error: error && this.#failure(error, secrets, limit),
    };
  }

  #failure({ code, message, remote }: StoredError, secrets: Secrets, limit: number): JobFailure {
    return {
      code,
      message: this.#text(message, secrets, limit),
      type: remote?.type && this.#text(remote.type, secrets, 100),
    };
  }

  /** Secrets are looked for before it is cut: a part of one would not be found. */
  #text(text: string, secrets: Secrets, limit: number): string {
    if (secrets === undefined) return UNSEARCHED;
    const clean = this.#redactor.text(withoutTexts(text, secrets));
    return clean.length <= limit ? clean : `${clean.slice(0, limit)}…`;
  }

  async #secretsOf(jobs: Jobs, job: Job): Promise<Secrets> {
    if (job.error === undefined && job.progress?.message === undefined) return [];
    const known = this.#secrets.get(job.id);
    if (known !== undefined || this.#secrets.has(job.id)) return known;
    try {
      const { input } = await jobs.packedValues(job.id);
      return this.#conceal(job, input).secrets;
    } catch (error) {
      // It was removed meanwhile: nothing is shown of it for long.
      if (error instanceof GreenroomError && error.code === 'E_JOB') return [];
      throw error;
    }
  }

  async #values(jobs: Jobs, job: Job): Promise<{ input?: Json; result?: Json | undefined; secrets: Secrets }> {
    const { input, result } = await jobs.packedValues(job.id);
    const { shown, secrets } = this.#conceal(job, input);
    if (!this.#redactor.showsValues) return { secrets };
    if (secrets === undefined) return { input: shown as string, result: result && UNSEARCHED, secrets };
    const show = (value: unknown): Json => this.#redactor.value(value, secrets, MAX_KEPT);
    return { input: show(shown), result: result && show(readable(result)), secrets };
  }

  #conceal({ id, plugin, tool }: Job, input: Buffer): { readonly shown: unknown; readonly secrets: Secrets } {
    const concealed =
      input.length <= MAX_READ
        ? this.#redactor.conceal(plugin, tool, unpackValue(input))
        : {
            shown: readable(input),
            secrets: isSearched(input) ? this.#redactor.conceal(plugin, tool, unpackValue(input)).secrets : undefined,
          };
    this.#secrets.delete(id);
    this.#secrets.set(id, concealed.secrets);
    const [oldest] = this.#secrets.keys();
    if (this.#secrets.size > MAX_REMEMBERED && oldest !== undefined) this.#secrets.delete(oldest);
    return concealed;
  }
}

/** Whether a packed value is read for the secrets in it. Its JSON takes the time, of which the length comes first. */
function isSearched(packed: Buffer): boolean {
  return packed.readUInt32BE(0) <= MAX_SEARCHED;
}

/** A packed value; of one that would take long to read how long it is. */
function readable(packed: Buffer): unknown {
  return packed.length > MAX_READ ? `[${bytesText(packed.length)}: too long to show]` : unpackValue(packed);
}

async function afterOf(jobs: Jobs, { after }: JobWithAttempts): Promise<JobDetails['after']> {
  const first = after.slice(0, MAX_AFTER);
  const known = new Map((await jobs.readAll(first)).map((job) => [job.id, job] as const));
  return first.map((id) => {
    const { plugin, state } = known.get(id) ?? {};
    return { id, plugin, state };
  });
}
