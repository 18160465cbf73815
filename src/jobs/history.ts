/** How many jobs that have ended are kept, and for how long, in milliseconds. */
export interface History {
  readonly maxJobs: number;
  readonly maxAgeMs: number;
}
