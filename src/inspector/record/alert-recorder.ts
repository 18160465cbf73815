import type { Alert } from '../wire.ts';
import { SUPERVISOR } from './actor-ids.ts';
import type { ActorRecorder } from './actor-recorder.ts';
import type { NewRecord } from './journal-entry.ts';
import { ManifestAlerts } from './manifest-alerts.ts';
import type { RecorderParts } from './recorder-parts.ts';
import { ToldAlerts } from './told-alerts.ts';
import { waitAlerts } from './wait-alerts.ts';

/** How long after one look the next comes at the earliest, in milliseconds, so that a burst of crashes is told of once. */
const LEAST_MS = 250;
/** How often it is looked at in any case, for what time alone makes wrong, in milliseconds. */
const ROUND_MS = 2_000;

/** Finds something that is wrong at a time, in milliseconds since the epoch. */
type AlertSource = (now: number) => readonly Alert[];

/** Records what is wrong, as part of the supervisor's context. */
export class AlertRecorder {
  readonly #parts: RecorderParts;
  readonly #actors: ActorRecorder;
  readonly #told: ToldAlerts;
  readonly #manifests: ManifestAlerts;
  readonly #sources: readonly AlertSource[];
  readonly #round = setInterval(() => this.#look(), ROUND_MS).unref();
  #isDue = true;
  #lookedAt = -Infinity;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: RecorderParts, actors: ActorRecorder) {
    const { subject, redactor } = parts;
    this.#parts = parts;
    this.#actors = actors;
    this.#told = new ToldAlerts(subject.records);
    this.#manifests = new ManifestAlerts(
      () => subject.supervisor.problems(),
      (text) => redactor.text(text),
    );
    this.#sources = [
      (now) => this.#told.alerts(now),
      (now) => this.#manifests.alerts(now),
      () => waitAlerts(subject.records.values(), subject.clock, subject.maxWaitMs / 2),
    ];
  }

  /** Notes a record that was made. */
  note(seq: number, record: NewRecord): void {
    const isOne = this.#told.note(seq, record);
    this.#isDue = this.#manifests.note(seq, record) || isOne || this.#isDue;
  }

  /** Looks at what is wrong now if a record may have changed that; a moment later where that was just looked at. */
  settle(): void {
    if (!this.#isDue) return;
    const left = this.#lookedAt + LEAST_MS - this.#parts.subject.clock.monotonic();
    if (left <= 0) this.#look();
    else this.#timer ??= setTimeout(() => this.#look(), left).unref();
  }

  close(): void {
    clearInterval(this.#round);
    clearTimeout(this.#timer);
  }

  #look(): void {
    const { subject, present, faults } = this.#parts;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDue = false;
    this.#lookedAt = subject.clock.monotonic();
    faults.guard(() => {
      const now = subject.clock.now();
      const hasChanged = present.alerts.update(this.#sources.flatMap((alertsOf) => alertsOf(now)));
      if (hasChanged) this.#actors.touch(SUPERVISOR);
    });
  }
}
