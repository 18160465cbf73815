/** One process at one moment. */
export interface ProcessSample {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  /** Processor time used so far, user and system, in milliseconds. */
  readonly cpuMs: number;
  /** How long it has been running, in milliseconds. */
  readonly ageMs: number;
  /** Resident memory in bytes, where the listing tells it at no further cost. */
  readonly rssBytes?: number | undefined;
}
