import type { Redactor } from '../redaction/redaction.ts';
import type { Faults } from './faults.ts';
import type { Journal } from './journal.ts';
import type { PendingRecords } from './pending-records.ts';
import type { Present } from './present.ts';
import type { RateHistory } from './rate-history.ts';
import type { Recorded } from './recorded.ts';
import type { Views } from './views.ts';

/** What the recorders of calls, plugins, actors and events share. */
export interface RecorderParts {
  /** The supervisor, with the clock by which everything is recorded. */
  readonly subject: Recorded;
  readonly faults: Faults;
  readonly redactor: Redactor;
  readonly views: Views;
  readonly present: Present;
  readonly journal: Journal;
  readonly pending: PendingRecords;
  /** Whether the inputs and outputs of calls are kept. */
  readonly keepsPayloads: boolean;
  readonly rates: RateHistory;
}
