import type { ManifestProblem } from '../../manifest/manifest-problem.ts';
import type { Alert } from '../wire.ts';
import { SUPERVISOR } from './actor-ids.ts';
import type { NewRecord } from './journal-entry.ts';

/** The manifests that cannot be used, each with the record that told of it where there is one. */
export class ManifestAlerts {
  readonly #problems: () => readonly ManifestProblem[];
  readonly #text: (text: string) => string;
  readonly #told = new Map<string, Pick<Alert, 'at' | 'seq'>>();

  /** @param text gives a text without secrets */
  constructor(problems: () => readonly ManifestProblem[], text: (text: string) => string) {
    this.#problems = problems;
    this.#text = text;
  }

  /** Notes a record. Returns whether another manifest may be wrong by it. */
  note(seq: number, record: NewRecord): boolean {
    if (record.kind === 'presence') return true;
    if (record.kind !== 'problem' || record.file === undefined) return false;
    this.#told.set(record.file, { seq, at: record.at });
    return true;
  }

  /** What is wrong at this time, in milliseconds since the epoch: one for each file. */
  alerts(now: number): readonly Alert[] {
    const found = new Map<string, Alert>();
    for (const { file, field, reason, severity } of this.#problems()) {
      const shown = this.#text(file);
      if (severity !== 'error' || found.has(shown)) continue;
      const told = this.#told.get(shown) ?? { at: now };
      if (!this.#told.has(shown)) this.#told.set(shown, told);
      const text = this.#text([file, field, reason].filter(Boolean).join(' · '));
      found.set(shown, { kind: 'manifest', actor: SUPERVISOR, ...told, text });
    }
    for (const file of this.#told.keys()) if (!found.has(file)) this.#told.delete(file);
    return [...found.values()];
  }
}
