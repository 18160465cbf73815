/** How a program stands with its Redis. */
export interface LinkHealth {
  /** `cutOff`: it does not answer; `full`: it refuses to store more. */
  readonly state: 'connected' | 'cutOff' | 'full';
  /** Since when, in milliseconds since the epoch. */
  readonly since: number;
  /** What was said last; undefined while it is connected. */
  readonly reason?: string | undefined;
}
