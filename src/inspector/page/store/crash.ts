import type { ActorId, CrashRecord } from '../../wire.ts';
import { restartsText, timeText } from './format.ts';
import type { History } from './history.ts';
import { type Row, rowOf } from './rows.ts';

/** How many events before it tell of a crash. */
export const EVENTS_BEFORE = 50;

/** What happened to an actor last before its crash, the crash included. */
export function eventsBefore(history: History, { actor, seq }: CrashRecord): readonly Row[] {
  const rows: Row[] = [];
  for (let place = history.countUntil(seq) - 1; place >= 0 && rows.length < EVENTS_BEFORE; place -= 1) {
    const record = history.records[place];
    if (record === undefined || !concerns(record.actor, actor)) continue;
    if (record.kind !== 'context' && record.kind !== 'memory') rows.push(rowOf(record));
  }
  return rows.toReversed();
}

/** A plugin's workers are its own. */
function concerns(id: ActorId, plugin: ActorId): boolean {
  return id === plugin || id.startsWith(`${plugin.replace('plugin:', 'worker:')}#`);
}

/** A crash as Markdown, to be put into a report. `exit` is how the process ended, in words. */
export function crashMarkdown(crash: CrashRecord, rows: readonly Row[], exit: string): string {
  const { actor, at, error, output, generation, restarts } = crash;
  const lines = rows.map((row) => {
    const states = row.transition === undefined ? '' : `${row.transition.from} → ${row.transition.to}`;
    return [timeText(row.at), row.actor, row.type, states, row.note].filter((text) => text !== '').join('  ');
  });
  return [
    `## ${actor.replace('plugin:', '')} crashed: ${error.code}`,
    '',
    error.message,
    '',
    `- at ${new Date(at).toISOString()}`,
    `- ${exit}`,
    `- worker ${generation}, ${restartsText(restarts)}`,
    '',
    '### Last lines of its output',
    '',
    fenced(output === '' ? '(none)' : output),
    '',
    `### The last ${lines.length} events`,
    '',
    fenced(lines.join('\n')),
    '',
  ].join('\n');
}

/** Fenced by more backticks than are in it. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}
