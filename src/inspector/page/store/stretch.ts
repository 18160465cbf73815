import type { ActorId, MilestoneRecord } from '../../wire.ts';
import type { ActorState } from './model.ts';
import { apply } from './steps.ts';

/** All actors, by their ids. */
export type Actors = Map<ActorId, ActorState>;

/** So many milestones are stepped through at most to get to an instant. */
const CHECKPOINT_EVERY = 256;

/** Milestones that follow one another, and the actors before and after any of them. */
export class Stretch {
  milestones: MilestoneRecord[] = [];
  /** The actors after the last of them. */
  readonly end: Actors;
  /** The actors before the record at each place that is so many on. */
  #checkpoints: Actors[] = [];

  /** @param start the actors before the first; it changes with what is added */
  constructor(start: Actors) {
    this.end = start;
  }

  /** The actors before the first of them. */
  get start(): Actors {
    return this.#checkpoints[0] ?? this.end;
  }

  add(record: MilestoneRecord): void {
    if (this.milestones.length % CHECKPOINT_EVERY === 0) this.#checkpoints.push(new Map(this.end));
    this.milestones.push(record);
    apply(this.end, record);
  }

  /** The actors before the record at a place. */
  before(place: number): Actors {
    const start = Math.max(0, Math.min(Math.floor(place / CHECKPOINT_EVERY), this.#checkpoints.length - 1));
    const actors = new Map(this.#checkpoints[start] ?? this.end);
    for (let index = start * CHECKPOINT_EVERY; index < place; index += 1) {
      apply(actors, this.milestones[index] as MilestoneRecord);
    }
    return actors;
  }

  /** Takes so many off its beginning, or some more, so that what is left begins with a checkpoint. Returns them. */
  cut(count: number): readonly MilestoneRecord[] {
    const checkpoints = Math.ceil(count / CHECKPOINT_EVERY);
    this.#checkpoints = this.#checkpoints.slice(checkpoints);
    return this.milestones.splice(0, checkpoints * CHECKPOINT_EVERY);
  }
}
