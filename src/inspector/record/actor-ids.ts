import type { AnyActorRef } from 'xstate';
import type { ActorId, MachineName } from '../wire.ts';

/** The actors without a parent or with one machine each. */
export const SUPERVISOR: ActorId = 'supervisor';
export const SCHEDULER: ActorId = 'scheduler';

/** The id of a plugin's actor. */
export const pluginId = (plugin: string): ActorId => `plugin:${plugin}`;

/** The plugin whose actor has this id, if it is one's. */
export const pluginNamed = (id: ActorId): string | undefined =>
  id.startsWith('plugin:') ? id.slice('plugin:'.length) : undefined;

/** The id of the actor of one generation of a plugin's worker. */
export const workerId = (plugin: string, generation: number | string): ActorId => `worker:${plugin}#${generation}`;

/** Which of our machines an actor runs, if any. */
export function machineOf(ref: AnyActorRef): MachineName | undefined {
  const { id } = (ref as unknown as { readonly logic: { readonly id?: unknown } }).logic;
  return id === 'supervisor' || id === 'scheduler' || id === 'plugin' || id === 'worker' ? id : undefined;
}

/** The plugin to which an actor belongs, if it belongs to one. */
export function pluginOf(ref: AnyActorRef): string | undefined {
  for (let each: AnyActorRef | undefined = ref; each !== undefined; each = each._parent) {
    if (machineOf(each) === 'plugin') return each.id;
  }
  return undefined;
}

/** What an actor is called on the wire. What runs no machine of ours is named under what it belongs to. */
export function actorIdOf(ref: AnyActorRef): ActorId {
  switch (machineOf(ref)) {
    case 'supervisor':
      return SUPERVISOR;
    case 'scheduler':
      return SCHEDULER;
    case 'plugin':
      return pluginId(ref.id);
    case 'worker':
      return workerId(pluginOf(ref) ?? '', ref.id.replace('worker-', ''));
    case undefined:
      return ref._parent === undefined ? ref.id : `${actorIdOf(ref._parent)}/${ref.id}`;
  }
}
