import type { CallOptions } from '../../calls/call-options.ts';

/** What a call has to do with its job: `onStart` is called each time that it reaches a worker, with the worker's generation. */
export interface JobCall {
  readonly client: string;
  readonly onStart: (generation: number) => void;
}

/** A plugin as the runner of jobs sees it. */
export interface JobSite {
  /** Why its jobs have to wait, in a sentence; undefined where they can be run. */
  readonly obstacle: string | undefined;
  /** How many calls its workers take at once; 0 while it has none. */
  readonly places: number;
  /** Throws `E_INPUT` where the input does not fit what is known of the tool. */
  check(tool: string | undefined, input: unknown): void;
  /** Resolves when it has a worker. */
  load(): Promise<void>;
  /** Makes the call of a job. */
  execute(input: unknown, options: CallOptions, job: JobCall): Promise<unknown>;
  /** Makes the call of a job whose caller takes it in chunks. */
  stream(input: unknown, options: CallOptions, job: JobCall): AsyncIterable<unknown>;
}
