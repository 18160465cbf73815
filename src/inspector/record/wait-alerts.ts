import type { PluginRecord } from '../../runtime/plugin-record.ts';
import { type Clock, wallTime } from '../../time/clock.ts';
import type { Alert } from '../wire.ts';
import { pluginId } from './actor-ids.ts';

/** The plugins that have waited for memory, or whose calls have waited for a worker, for longer than `longMs` milliseconds. */
export function waitAlerts(records: Iterable<PluginRecord>, clock: Clock, longMs: number): readonly Alert[] {
  const now = clock.monotonic();
  const found: Alert[] = [];
  for (const { plugin, gate, phase, enteredAt } of records) {
    const isAdmitted = phase !== 'admitting';
    const since = Math.min(gate.waitingSince ?? Infinity, isAdmitted ? Infinity : enteredAt);
    if (now - since <= longMs) continue;
    const text = isAdmitted ? 'its calls wait for a worker' : 'it waits for memory';
    found.push({ kind: 'waiting', actor: pluginId(plugin), at: Math.round(wallTime(clock, since)), text });
  }
  return found;
}
