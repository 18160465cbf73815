// Jobs: the package's `greenroom/jobs`

export type { FleetOptions } from '../fleet/fleet-options.ts';
export type { AddOptions } from './add-options.ts';
export type { Attempt, AttemptEnd, Backoff, FinalState, Job, JobState, JobWithAttempts } from './job.ts';
export type { GraphJob } from './job-graph.ts';
export type { JobHandle } from './job-handle.ts';
export { type JobOutput, output } from './job-output.ts';
export type { JobFilter, JobPage } from './job-store.ts';
export type { JobCounts, Jobs } from './jobs.ts';
export type { ListOptions } from './list-options.ts';
export { type OpenJobsOptions, openJobs } from './open-jobs.ts';
export type { StoredError } from './stored-error.ts';
