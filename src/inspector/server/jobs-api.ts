import { problemOf } from '../../api/problem.ts';
import { GreenroomError } from '../../errors.ts';
import type { Jobs } from '../../jobs/jobs.ts';
import type { ListOptions } from '../../jobs/list-options.ts';
import type { OpenedJobs } from '../../runtime/opened-jobs.ts';
import { give, say } from '../../server/answer.ts';
import type { Exchange, Route } from '../../server/route.ts';
import { followJobs } from '../jobs/follow-jobs.ts';
import { type JobRedactor, JobViews } from '../jobs/job-views.ts';
import type { JobRows } from '../wire-jobs.ts';
import { limitedReaders } from './limited-readers.ts';
import { LineStreams } from './line-streams.ts';

/** What jobs belong to: the supervisor. */
export interface JobsOwner {
  readonly jobPort: { readonly opened: OpenedJobs };
  onChange(listener: () => void): () => void;
}

/**
 * Shows the jobs of a supervisor, redacted, while they are open: it opens none. They are read from their store each time
 * that they are asked for.
 */
export class JobsApi {
  readonly routes: readonly Route[];
  readonly #supervisor: JobsOwner;
  readonly #redactor: JobRedactor;
  readonly #views: JobViews;
  readonly #streams = new LineStreams();

  constructor(supervisor: JobsOwner, redactor: JobRedactor) {
    this.#supervisor = supervisor;
    this.#redactor = redactor;
    this.#views = new JobViews(redactor);
    const [pages, live] = [limitedReaders(), limitedReaders()];
    this.routes = [
      pages('/api/jobs', (exchange) => this.#answer(exchange, (jobs) => this.#list(jobs, exchange.query))),
      live('/api/jobs/live', (exchange) => this.#follow(exchange)),
      pages('/api/jobs/:id', (exchange) =>
        this.#answer(exchange, (jobs) => this.#views.details(jobs, exchange.params['id'] ?? '')),
      ),
    ];
  }

  /** Ends what is followed. */
  finish(): void {
    this.#streams.finish();
  }

  async #list(jobs: Jobs, query: URLSearchParams): Promise<JobRows> {
    const limit = query.get('limit');
    // What it is not, `list` says.
    const asked = {
      ...Object.fromEntries(
        ['plugin', 'state', 'prefix', 'cursor'].map((name) => [name, query.get(name) ?? undefined]),
      ),
      limit: limit === null ? undefined : Number(limit),
    } as ListOptions;
    const { jobs: found, next } = await jobs.list(asked);
    return { jobs: await this.#views.rows(jobs, found), next };
  }

  async #answer({ response }: Exchange, ask: (jobs: Jobs) => Promise<object>): Promise<void> {
    try {
      give(response, 'application/json', JSON.stringify(await ask(openJobs(this.#supervisor))));
    } catch (error) {
      const { status, detail } = problemOf(error);
      say(response, { status, message: this.#redactor.text(detail) });
    }
  }

  async #follow(exchange: Exchange): Promise<void> {
    const followed = {
      opened: this.#supervisor.jobPort.opened,
      onPluginChange: (listener: () => void) => this.#supervisor.onChange(listener),
      views: this.#views,
      plugin: exchange.query.get('plugin') ?? undefined,
    };
    await this.#streams.send(exchange, (signal) => followJobs(followed, signal));
  }
}

/** The jobs that are open. Throws `E_JOB` where there are none. */
export function openJobs({ jobPort }: Pick<JobsOwner, 'jobPort'>): Jobs {
  const { latest } = jobPort.opened;
  if (latest === undefined) throw new GreenroomError('E_JOB', 'No jobs are open.');
  return latest;
}
