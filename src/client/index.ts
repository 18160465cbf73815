// Clients of a daemon: the package's `greenroom/client`

// Calls
export type { CallOptions, Progress, StreamOptions } from '../calls/call-options.ts';
// Errors: the same class as that of `greenroom`, which takes longer to load
export type { ErrorDetails } from '../error-details.ts';
export { type ErrorCode, GreenroomError, type RemoteError, type RemoteErrorCategory } from '../errors.ts';
// Jobs: as `greenroom/jobs` has them, which takes longer to load
export type { AddOptions } from '../jobs/add-options.ts';
export type { Attempt, Job, JobState, JobWithAttempts } from '../jobs/job.ts';
export type { GraphJob } from '../jobs/job-graph.ts';
export type { JobHandle } from '../jobs/job-handle.ts';
export { type JobOutput, output } from '../jobs/job-output.ts';
export type { JobFilter, JobPage } from '../jobs/job-store.ts';
export type { JobCounts } from '../jobs/jobs.ts';
export type { ListOptions } from '../jobs/list-options.ts';
export type { StoredError } from '../jobs/stored-error.ts';
// Clients
export { type Client, type ClientPluginHandle, createClient, type DaemonStatus } from './client.ts';
export type { ClientJobs } from './client-jobs.ts';
export { connectOrStart } from './connect-or-start.ts';
export type { ClientTarget } from './daemon-target.ts';
export type { ConnectOrStartOptions } from './ensure-daemon.ts';
