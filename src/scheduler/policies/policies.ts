import { costAware } from './cost-aware.ts';
import { lru } from './lru.ts';
import { permissive } from './permissive.ts';
import type { Policy, Unconfirmed } from './policy.ts';
import { DEFAULT_MAX_WAIT_MS, queue } from './queue.ts';
import { safety } from './safety.ts';

/** The policies that come with Greenroom. */
export const POLICY_NAMES = ['permissive', 'safety', 'queue'] as const;

/** One of {@link POLICY_NAMES}. */
export type PolicyName = (typeof POLICY_NAMES)[number];

/** The eviction orders that come with Greenroom. */
export const EVICTION_ORDERS = ['lru', 'cost-aware'] as const;

/** One of {@link EVICTION_ORDERS}. */
export type EvictionOrderName = (typeof EVICTION_ORDERS)[number];

/** How a policy that comes with Greenroom is to decide. `permissive` ignores all of it. */
export interface PolicyOptions {
  /** Which idle resident is evicted first. Default `lru`. */
  readonly order?: EvictionOrderName | undefined;
  /** How long a request in the queue may be overtaken, in milliseconds. Default 30,000. Of `queue` only. */
  readonly maxWaitMs?: number | undefined;
  /** How long memory that was given up may take to be measured as free, in milliseconds. Default 5,000. */
  readonly confirmMs?: number | undefined;
  /** What happens when it takes longer: the plugin is started all the same (the default), or refused. */
  readonly unconfirmed?: Unconfirmed | undefined;
}

/** How long memory that was given up may take to be measured as free, in milliseconds. */
const DEFAULT_CONFIRM_MS = 5_000;

/** The policy of this name. */
export function policyNamed(name: PolicyName, options: PolicyOptions = {}): Policy {
  if (name === 'permissive') return permissive;
  const {
    order = 'lru',
    maxWaitMs = DEFAULT_MAX_WAIT_MS,
    confirmMs = DEFAULT_CONFIRM_MS,
    unconfirmed = 'proceed',
  } = options;
  return {
    name,
    measures: true,
    order: order === 'lru' ? lru : costAware,
    confirm: { withinMs: confirmMs, otherwise: unconfirmed },
    decide: name === 'safety' ? safety : queue(maxWaitMs),
  };
}
