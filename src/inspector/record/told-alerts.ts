import type { PluginRecord } from '../../runtime/plugin-record.ts';
import type { Alert } from '../wire.ts';
import { pluginId, pluginNamed } from './actor-ids.ts';
import type { NewRecord } from './journal-entry.ts';
import { SlowCalls } from './slow-calls.ts';

/** For how long a crash, a refusal or a slow call that has ended counts though the plugin is well again, in milliseconds. */
const COUNTS_MS = 10 * 60_000;
/** How much is told of an error, in characters. */
const MAX_TEXT = 200;

/** The last crash or refusal of a plugin. */
type Told = Omit<Alert, 'actor'>;

/** What is wrong as records tell it: crashes, workers that hung, plugins that are given up, refusals, and slow calls. */
export class ToldAlerts {
  readonly #records: ReadonlyMap<string, PluginRecord>;
  readonly #crashes = new Map<string, Told>();
  readonly #refusals = new Map<string, Told>();
  readonly #slowCalls = new SlowCalls(COUNTS_MS);

  constructor(records: ReadonlyMap<string, PluginRecord>) {
    this.#records = records;
  }

  /** Notes a record. Returns whether something else may be wrong by it. */
  note(seq: number, record: NewRecord): boolean {
    const plugin = pluginNamed(record.actor);
    if (plugin === undefined) return false;
    switch (record.kind) {
      case 'crash': {
        const { code, message } = record.error;
        const kind = code === 'E_HUNG' ? 'hung' : 'crashed';
        this.#crashes.set(plugin, { kind, at: record.at, seq, text: `${code}: ${message}`.slice(0, MAX_TEXT) });
        return true;
      }
      case 'decision':
        if (record.outcome === 'grant') return this.#refusals.delete(plugin);
        if (record.outcome !== 'refuse') return false;
        this.#refusals.set(plugin, { kind: 'refused', at: record.at, seq, text: record.reason });
        return true;
      case 'call':
        return this.#slowCalls.note(plugin, seq, record);
      case 'transition':
        return record.from.startsWith('crashed') || record.to.startsWith('crashed');
      case 'presence':
        return this.#crashes.has(plugin) || this.#refusals.has(plugin) || this.#slowCalls.has(plugin);
      default:
        return false;
    }
  }

  /** What is wrong at this time, in milliseconds since the epoch. */
  alerts(now: number): readonly Alert[] {
    const found: Alert[] = [];
    for (const [plugin, crash] of this.#crashes) {
      const { state, phase } = this.#records.get(plugin) ?? {};
      if (state === undefined || (state !== 'crashed' && now - crash.at > COUNTS_MS)) this.#crashes.delete(plugin);
      else found.push({ ...crash, kind: phase === 'failed' ? 'given-up' : crash.kind, actor: pluginId(plugin) });
    }
    for (const [plugin, refusal] of this.#refusals) {
      if (!this.#records.has(plugin) || now - refusal.at > COUNTS_MS) this.#refusals.delete(plugin);
      else found.push({ ...refusal, actor: pluginId(plugin) });
    }
    return [...found, ...this.#slowCalls.alerts(now, this.#records)];
  }
}
