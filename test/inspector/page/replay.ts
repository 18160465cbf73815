import type { InspectorRecord, Json, JsonObject, SessionHeader, Sync } from '../../../src/inspector/wire.ts';

/** An actor, as the simplest reading of the records has it. */
export interface Replayed {
  state: string;
  active: readonly string[];
  context: Record<string, Json>;
}

/** The header and the records of an exported session. */
export function parseSession(text: string): {
  readonly header: SessionHeader;
  readonly records: readonly InspectorRecord[];
} {
  const [header, ...records] = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  return { header: header as SessionHeader, records: records as InspectorRecord[] };
}

/** Supervisor, scheduler and plugins at an instant, by going on from an earlier moment: each record says what is then. */
export function replay(from: Sync, records: readonly InspectorRecord[], until: number): ReadonlyMap<string, Replayed> {
  const actors = new Map<string, Replayed>();
  const put = (id: string, state: string, active: readonly string[], context: JsonObject): void => {
    actors.set(id, { state, active, context: { ...context } });
  };
  for (const { id, name, machine, active, context } of from.actors) {
    if (machine === 'worker') continue;
    const plugin = from.plugins.find((each) => machine === 'plugin' && each.name === name);
    const own = plugin && (plugin.phase === plugin.state ? plugin.state : `${plugin.state} · ${plugin.phase}`);
    put(id, own ?? active.join(' '), active, context);
  }
  for (const record of records) {
    if (record.seq <= from.seq || record.seq > until) continue;
    const actor = actors.get(record.actor);
    if (actor === undefined) continue;
    if (record.kind === 'transition') {
      actor.state = record.actor.startsWith('plugin:') ? record.to.replace('.', ' · ') : record.to;
      actor.active = record.active;
    }
    if (record.kind !== 'transition' && record.kind !== 'context') continue;
    for (const [key, { after }] of Object.entries(record.context ?? {})) {
      if (after === undefined) delete actor.context[key];
      else actor.context[key] = after;
    }
  }
  return actors;
}
