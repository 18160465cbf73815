import type { AnyActorRef, AnyEventObject } from 'xstate';
import { eventName } from '../../machines/event-name.ts';
import { actorIdOf, machineOf, pluginOf } from './actor-ids.ts';
import type { ActorRecorder } from './actor-recorder.ts';
import { payloadOf } from './event-payload.ts';
import { observe } from './observation.ts';
import type { PluginRecorder } from './plugin-recorder.ts';
import type { RecorderParts } from './recorder-parts.ts';

/** Records every event of every actor. Returns how to stop. */
export function recordEvents(parts: RecorderParts, plugins: PluginRecorder, actors: ActorRecorder): () => void {
  const { subject, faults, redactor, views, pending } = parts;
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

  return observe(root, { onEvent, onStep }, report);
}
