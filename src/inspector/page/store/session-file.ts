import type { InspectorRecord, PluginSnapshot, SessionHeader } from '../../wire.ts';
import { History } from './history.ts';
import { type ActorState, type Moment, workerId, workersIn } from './model.ts';

/** Reads an exported session. Throws an error for people if the text is not a session; a last line that was cut off is left out. */
export function readSession(text: string): History {
  const records = new Map<number, InspectorRecord>();
  let header: SessionHeader | undefined;
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  for (const [index, line] of lines.entries()) {
    const value = parse(line);
    if (isHeader(value)) {
      if (value.version !== 1)
        throw new Error(`This session is of version ${String(value.version)}, but this page reads only version 1.`);
      header = value;
    } else if (header === undefined) {
      throw new Error('This is not a Greenroom session: its first line is not a header.');
    } else if (isRecord(value)) records.set(value.seq, value);
    else if (index < lines.length - 1) throw new Error(`Line ${index + 1} is not a record.`);
  }
  if (header === undefined) throw new Error('This file is empty. Export a session and open that file.');
  return new History(
    header,
    [...records.values()].toSorted((a, b) => a.seq - b.seq),
  );
}

/** A history as the text of a session, as the runtime would export it. */
export function writeSession({ known, records, present, complete }: History): string {
  const { control, supervisor, machines } = known;
  const actors = [...present.actors.values()];
  const header: SessionHeader = {
    format: 'greenroom-session',
    version: 1,
    calls: 'calls' in known ? known.calls : undefined,
    seq: present.seq,
    complete: complete.seq,
    at: present.at,
    control,
    supervisor,
    machines,
    plugins: actors.flatMap((actor) => (actor.machine === 'plugin' ? [pluginOf(actor, present)] : [])),
    actors: actors.map(({ id, machine, name, active, context }) => ({ id, machine, name, active, context })),
  };
  return [header, ...records].map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** What a header says of a plugin beside its actor. */
function pluginOf({ name, facts, since, context }: ActorState, { actors }: Moment): PluginSnapshot {
  const instances = workersIn(context).flatMap((generation) => {
    const instance = actors.get(workerId(name, generation))?.instance;
    return instance === undefined ? [] : [{ generation, ...instance }];
  });
  return { name, ...facts, since, instances } as unknown as PluginSnapshot;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const isHeader = (value: unknown): value is SessionHeader => isObject(value) && value['format'] === 'greenroom-session';
const isRecord = (value: unknown): value is InspectorRecord =>
  isObject(value) && typeof value['seq'] === 'number' && typeof value['kind'] === 'string';
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
