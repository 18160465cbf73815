import type {
  ActorId,
  ActorSnapshot,
  ContextChange,
  InstanceRecord,
  Json,
  MachineName,
  MilestoneRecord,
  PluginSnapshot,
} from '../../wire.ts';
import {
  type ActorState,
  type InstanceState,
  type PluginFacts,
  pathsOfState,
  stateAndPhase,
  stateOfPaths,
  staysIn,
  victimsOf,
  workerId,
  workersIn,
} from './model.ts';

type Actors = Map<ActorId, ActorState>;

/** An actor as a sync or its coming tells of it. `plugin` is the plugin that it is, or is a worker of. */
export function actorOf(snapshot: ActorSnapshot, plugin?: PluginSnapshot): ActorState {
  const { id, machine, name, active, context } = snapshot;
  const isPlugin = machine === 'plugin';
  return {
    ...unknownActor(id, name),
    machine,
    active,
    ...stateOfPaths(machine, active),
    since: isPlugin ? plugin?.since : undefined,
    context,
    instance: machine === 'worker' ? instanceIn(plugin, generationOf(id)) : undefined,
    facts: isPlugin ? plugin && factsOf(plugin) : undefined,
  };
}

function instanceIn(plugin: PluginSnapshot | undefined, generation: number): InstanceState | undefined {
  const found = plugin?.instances?.find((each) => each.generation === generation);
  return found && { state: found.state, phase: found.phase === found.state ? '' : found.phase, since: found.since };
}

const generationOf = (id: ActorId): number => Number(id.slice(id.lastIndexOf('#') + 1));

/** Changes the actors as a record tells. */
export function apply(actors: Actors, record: MilestoneRecord): void {
  const { actor: id, at } = record;
  if (record.kind === 'presence') {
    if (record.snapshot !== undefined) {
      actors.set(id, { ...actorOf(record.snapshot, record.plugin), lastAt: at });
      // It may have a worker by the time that its coming is recorded.
      meetWorkers(actors, id);
    } else leave(actors, id);
    return;
  }
  if (record.kind === 'decision') {
    for (const victim of victimsOf(record)) {
      const evicted = actors.get(victim);
      if (evicted !== undefined) actors.set(victim, { ...evicted, lastEviction: record, lastAt: at });
    }
  }
  const known = actors.get(id) ?? comingWorker(actors, record);
  if (known === undefined) return;
  switch (record.kind) {
    case 'transition': {
      const { active, to } = record;
      actors.set(id, {
        ...changed(known, record.context, 'after'),
        active,
        ...stateAndPhase(known.machine, to),
        since: at,
        lastTransition: record,
        lastEviction: staysIn(to) ? undefined : known.lastEviction,
        lastAt: at,
      });
      break;
    }
    case 'context':
      actors.set(id, { ...changed(known, record.context, 'after'), lastAt: at });
      break;
    case 'instance': {
      actors.set(id, { ...known, lastAt: at });
      const worker = workerId(known.name, record.generation);
      const its = actors.get(worker);
      if (its !== undefined) {
        actors.set(worker, { ...its, instance: { ...stateAndPhase('plugin', record.to), since: at }, lastAt: at });
      }
      break;
    }
    case 'crash':
      actors.set(id, { ...known, lastCrash: record, crashes: known.crashes + 1, lastAt: at });
      break;
    case 'decision':
      actors.set(id, { ...known, lastDecision: record, lastAt: at });
      break;
    default:
      actors.set(id, { ...known, lastAt: at });
  }
  if ('context' in record && record.context?.['workers'] !== undefined) meetWorkers(actors, id);
}

/** Changes the actors back to what they were before a record. What nothing remembers stays unknown. */
export function undo(actors: Actors, record: MilestoneRecord): void {
  const { actor: id } = record;
  if (record.kind === 'presence') {
    if (record.snapshot !== undefined) leave(actors, id);
    else actors.set(id, unknownActor(id, nameOf(id)));
    return;
  }
  const known = actors.get(id);
  if (record.kind === 'instance') return undoInstance(actors, record);
  if (known === undefined || (record.kind !== 'transition' && record.kind !== 'context')) return;
  const before = changed(known, record.context, 'before');
  if (record.kind === 'transition') {
    actors.set(id, {
      ...before,
      active: pathsOfState(known.machine, record.from, before.context),
      ...stateAndPhase(known.machine, record.from),
      since: undefined,
    });
  } else actors.set(id, before);
  if (record.context?.['workers'] !== undefined) meetWorkers(actors, id);
}

function undoInstance(actors: Actors, { actor, generation, from, to }: InstanceRecord): void {
  const id = workerId(nameOf(actor), generation);
  const worker = actors.get(id);
  if (worker === undefined) return;
  const wasThere = from !== 'discovered' || to === 'discovered.idle';
  const before = { state: from, phase: from === 'discovered' ? 'stopping' : '', since: undefined };
  actors.set(id, { ...worker, instance: wasThere ? before : undefined });
}

function changed(actor: ActorState, change: ContextChange | undefined, side: 'before' | 'after'): ActorState {
  if (change === undefined) return actor;
  const context: Record<string, Json> = { ...actor.context };
  for (const [key, sides] of Object.entries(change)) {
    const value = sides[side];
    if (value === undefined) delete context[key];
    else context[key] = value;
  }
  return { ...actor, context, change: side === 'after' ? change : undefined };
}

/** Workers come and go with what their plugin remembers of them; nothing else tells of it. */
function meetWorkers(actors: Actors, plugin: ActorId): void {
  const name = nameOf(plugin);
  const listed = new Set(workersIn(actors.get(plugin)?.context).map((generation) => workerId(name, generation)));
  for (const id of actors.keys()) if (isWorkerOf(id, name) && !listed.has(id)) actors.delete(id);
  for (const id of listed) if (!actors.has(id)) actors.set(id, unknownActor(id, name));
}

/** A worker that takes a step before its plugin tells of it. One that its plugin has forgotten does not come back. */
function comingWorker(actors: Actors, { actor: id }: MilestoneRecord): ActorState | undefined {
  if (!id.startsWith('worker:')) return undefined;
  const name = nameOf(id);
  const context = actors.get(`plugin:${name}`)?.context;
  const latest = context?.['generation'];
  const generation = generationOf(id);
  // The number of a further instance is taken when memory for it is asked for.
  const isNew = typeof latest === 'number' && (generation > latest || generation === context?.['asked']);
  return isNew ? unknownActor(id, name) : undefined;
}

function leave(actors: Actors, id: ActorId): void {
  actors.delete(id);
  if (!id.startsWith('plugin:')) return;
  for (const each of actors.keys()) if (isWorkerOf(each, nameOf(id))) actors.delete(each);
}

const isWorkerOf = (id: ActorId, name: string): boolean => id.startsWith('worker:') && nameOf(id) === name;

/** The name in an id: `chat` of `plugin:chat` and of `worker:chat#2`. */
function nameOf(id: ActorId): string {
  const name = id.slice(id.indexOf(':') + 1);
  return id.startsWith('worker:') ? name.slice(0, name.lastIndexOf('#')) : name;
}

function machineOf(id: ActorId): MachineName {
  if (id.startsWith('worker:')) return 'worker';
  return id === 'supervisor' || id === 'scheduler' ? id : 'plugin';
}

function unknownActor(id: ActorId, name: string): ActorState {
  return {
    id,
    machine: machineOf(id),
    name,
    active: [],
    state: '',
    phase: '',
    since: undefined,
    context: {},
    change: undefined,
    lastTransition: undefined,
    lastDecision: undefined,
    lastEviction: undefined,
    lastCrash: undefined,
    crashes: 0,
    lastAt: 0,
    instance: undefined,
    facts: undefined,
  };
}

function factsOf({ version, description, category, manifestPath, budgetMb }: PluginSnapshot): PluginFacts {
  return { version, description, category, manifestPath, budgetMb };
}
