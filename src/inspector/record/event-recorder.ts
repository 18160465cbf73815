import type { AnyActorRef, AnyEventObject } from 'xstate';
import { eventName } from '../../machines/event-name.ts';
import { actorIdOf, machineOf, pluginId, pluginOf } from './actor-ids.ts';
import type { ActorRecorder } from './actor-recorder.ts';
import { payloadOf } from './event-payload.ts';
import { type Measured, watchMemoryOf } from './memory-watch.ts';
import { observe } from './observation.ts';
import type { PluginRecorder } from './plugin-recorder.ts';
import { hasProcess } from './present.ts';
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
    const last = present.memory.get(plugin);
    if (last?.pid === pid && last.memoryMb === memoryMb) return;
    const record = records.get(plugin);
    // It may have ended since the round began.
    if (record === undefined || !hasProcess(record, pid)) return;
    present.memory.set(plugin, { pid, memoryMb });
    plugins.touch(plugin);
    pending.add({ kind: 'memory', at: clock.now(), actor: pluginId(plugin), memoryMb });
  };

  const measured = (): Measured[] =>
    [...records.values()].flatMap((record) => {
      const { pid } = record.snapshot();
      return pid === undefined ? [] : [{ plugin: record.plugin, pid }];
    });

  const unobserve = observe(root, { onEvent, onStep }, report);
  const unmeasure = watchMemoryOf(measured, onMemory, report);
  return () => {
    unobserve();
    unmeasure();
    present.memory.clear();
  };
}
