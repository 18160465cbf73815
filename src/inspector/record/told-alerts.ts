import type { PluginRecord } from '../../runtime/plugin-record.ts';
import { durationText } from '../../text/duration-text.ts';
import { DEFAULT_TOOL } from '../../tools/tool-name.ts';
import type { Alert } from '../wire.ts';
import { pluginId, pluginNamed } from './actor-ids.ts';
import { LEAST_SLOW_MS } from './call-statistics.ts';
import type { NewRecord } from './journal-entry.ts';

/** For how long a crash, a refusal or a slow call counts though the plugin is well again, in milliseconds. */
const COUNTS_MS = 10 * 60_000;
/** How much is told of an error, in characters. */
const MAX_TEXT = 200;

/** The last crash, refusal or slow call of a plugin. */
type Told = Omit<Alert, 'actor'>;

/** A record of a call. */
type CallTold = Extract<NewRecord, { readonly kind: 'call' }>;

/** What is wrong as records tell it: crashes, workers that hung, plugins that are given up, refusals, and slow calls. */
export class ToldAlerts {
  readonly #records: ReadonlyMap<string, PluginRecord>;
  readonly #crashes = new Map<string, Told>();
  readonly #refusals = new Map<string, Told>();
  readonly #slowCalls = new Map<string, Told>();

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
        if (!isSlow(record)) return false;
        this.#slowCalls.set(plugin, { kind: 'slow', at: record.at, seq, text: slowText(record) });
        return true;
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
    for (const told of [this.#refusals, this.#slowCalls])
      for (const [plugin, each] of told) {
        if (!this.#records.has(plugin) || now - each.at > COUNTS_MS) told.delete(plugin);
        else found.push({ ...each, actor: pluginId(plugin) });
      }
    return found;
  }
}

/** Whether a call was slow, or is, by more than the start of its worker. */
function isSlow({ edge, slow = edge === 'slow', tookMs = 0, loadMs = 0 }: CallTold): boolean {
  return slow && tookMs - loadMs >= LEAST_SLOW_MS;
}

function slowText({ tool = DEFAULT_TOOL, edge, tookMs = 0 }: CallTold): string {
  return `${tool} ${edge === 'end' ? 'took' : 'has been running for'} ${durationText(tookMs)}`;
}
