import type { AnyActorRef, AnyEventObject } from 'xstate';
import { eventName } from '../../machines/event-name.ts';
import type { PluginRecord } from '../../runtime/plugin-record.ts';
import { actorIdOf, machineOf, pluginId, pluginOf } from './actor-ids.ts';
import type { ActorRecorder } from './actor-recorder.ts';
import { payloadOf } from './event-payload.ts';
import { type Measured, watchMemoryOf } from './memory-watch.ts';
import { observe } from './observation.ts';
import type { PluginRecorder } from './plugin-recorder.ts';
import type { RecorderParts } from './recorder-parts.ts';

/** Records every event of every actor and the memory of the workers. Returns how to stop. */
export function recordEvents(parts: RecorderParts, plugins: PluginRecorder, actors: ActorRecorder): () => void {
  const { subject, faults, redactor, views, present, pending } = parts;
  const { root, records, clock } = subject;
  const report = (error: unknown): void => faults.report(error);

  const onEvent = (actor: AnyActorRef, source: AnyActorRef | undefined, event: AnyEventObject): void => {
    const plugin = pluginOf(actor);
    const { inline, apart } = payloadOf(event, plugin === undefined ? undefined : records.get(plugin), {
      views,
      redactor,
    });
    pending.add(
      {
        kind: 'event',
        at: clock.now(),
        actor: actorIdOf(actor),
        source: source && actorIdOf(source),
        event: eventName(event.type),
        payload: inline,
      },
      apart,
    );
  };

  const onStep = (actor: AnyActorRef, event: AnyEventObject): void => {
    const machine = machineOf(actor);
    if (machine === 'plugin') plugins.touch(actor.id);
    if (machine === 'worker') actors.onWorkerStep(actor, actorIdOf(actor), eventName(event.type));
  };

  const onMemory = ({ plugin, pid }: Measured, memoryMb: number): void => {
    const record = records.get(plugin);
    // It may have ended since the round began.
    if (record === undefined) return;
    if (present.memory.note(record, pid, memoryMb)) plugins.touch(plugin);
    // Of several workers the sum is told once a round.
    if (record.tellsInstances && pid !== measuredOf(record).at(-1)) return;
    const sum = present.memory.of(record);
    if (sum === undefined || told.get(plugin) === sum) return;
    told.set(plugin, sum);
    pending.add({ kind: 'memory', at: clock.now(), actor: pluginId(plugin), memoryMb: sum });
  };
  /** What was last told of each plugin. */
  const told = new Map<string, number>();

  const measured = (): Measured[] =>
    [...records.values()].flatMap((record) => measuredOf(record).map((pid) => ({ plugin: record.plugin, pid })));

  const unobserve = observe(root, { onEvent, onStep }, report);
  const unmeasure = watchMemoryOf(measured, onMemory, report);
  return () => {
    unobserve();
    unmeasure();
    present.memory.clear();
  };
}

/** The processes of a plugin that are measured: of several instances each, else that of its worker. */
function measuredOf(record: PluginRecord): number[] {
  const { workers, current } = record.context;
  return workers.flatMap(({ generation, pid }) =>
    pid !== undefined && (record.tellsInstances || generation === current) ? pid : [],
  );
}
