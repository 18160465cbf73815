import type { AnyActorRef } from 'xstate';
import { type Need, NOTHING, type Resources } from './need.ts';
import type { Victim } from './policies/policy.ts';
import type { Resident, Standing } from './resident.ts';

/** What is reserved for one generation of one plugin, from the grant until its process tree has ended. */
export interface Reservation extends Resident {
  ref: AnyActorRef;
  need: Need;
  /** The UUIDs of the GPUs that its processes may use; `undefined` where it was not placed. */
  gpus: readonly string[] | undefined;
  standing: Standing;
  since: number;
  lastUsedAt: number;
  rank: number;
  used: Resources | undefined;
  loadMs: number | undefined;
  deniedAt: number | undefined;
  leaving: boolean;
  surplus: boolean;
  /** How it was last asked to leave. */
  asked: Victim['ask'] | undefined;
  /** Whether it has said that it is the last instance of its plugin; until one of them comes or goes. */
  saidLast: boolean;
  /** Its place in the order in which reservations became idle; decides between equal ranks. */
  idleOrder: number;
  /** Whether it is warm and asks to be resident again, so that it must not be evicted. */
  claimed: boolean;
  /** What a measurement does not show yet, because the worker is still loading. */
  unseen: Resources;
  /** Since when a measurement shows what it uses: since it had loaded (its first `IDLE` or `BUSY`), or became warm. */
  settledAt: number | undefined;
}

/** A reservation of nothing, for a generation that is granted its need now. */
export function newReservation(
  plugin: string,
  generation: number,
  ref: AnyActorRef,
  need: Need,
  now: number,
): Reservation {
  return {
    plugin,
    generation,
    ref,
    need: NOTHING,
    gpus: need.gpus === undefined ? undefined : Object.keys(need.gpus),
    standing: 'granted',
    since: now,
    lastUsedAt: now,
    rank: 0,
    loadMs: undefined,
    deniedAt: undefined,
    leaving: false,
    surplus: false,
    asked: undefined,
    saidLast: false,
    idleOrder: 0,
    claimed: false,
    unseen: NOTHING,
    settledAt: undefined,
    used: undefined,
  };
}
