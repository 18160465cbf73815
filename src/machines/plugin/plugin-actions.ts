import { isDeepStrictEqual } from 'node:util';
import { NO_OVERSIZED } from '../../supervision/replacement-plan.ts';
import { type DrainIntent, residencyOf } from './context.ts';
import { report } from './failure-actions.ts';
import { dropOutOfReach } from './fewer-instances.ts';
import { admitAll } from './gate-actions.ts';
import { tellNeed } from './scheduler-messages.ts';
import { base } from './setup.ts';

/*
 * What is wanted of the plugin: its manifest, its config, whether it is loaded.
 */

/** Takes a new manifest, and begins what it causes. */
export const noteManifest = base.enqueueActions(({ context, event, enqueue }) => {
  if (event.type !== 'MANIFEST.CHANGED') return;
  const needed = context.settings.need;
  enqueue.assign({ entry: event.entry, settings: event.settings });
  if (event.settings.maxRssMb !== context.settings.maxRssMb) enqueue.assign({ oversized: NO_OVERSIZED });
  if (!isDeepStrictEqual(needed, event.settings.need)) enqueue(tellNeed);
  context.gate.limit(event.settings);
  const hasFurther = context.siblings.length > 0 || context.asked !== undefined;
  if (event.settings.instances.max > 1 || hasFurther) enqueue.raise({ type: 'BOUNDS.CHANGED' });
  const isServing = residencyOf(context) !== undefined;
  // A worker that is starting was given what the manifest said before.
  const isStarting = context.replacement !== undefined || (context.current !== undefined && !isServing);
  if (event.effect === 'replace' || (event.effect === 'reconfigure' && isStarting)) enqueue.raise({ type: 'REPLACE' });
  else if (event.effect === 'reconfigure' && isServing) {
    enqueue(dropOutOfReach);
    enqueue(({ context: changed }) => changed.host.reconfigure(changed));
  }
});

/** The worker has accepted this config over the defaults of its schema; it survives crash, release and reload. */
export const noteConfig = base.assign(({ event }) => (event.type === 'CONFIGURED' ? { config: event.config } : {}));

/** It is to stay loaded, with the config that was given. */
export const noteLoad = base.assign(({ context, event }) => ({
  keepLoaded: true,
  config: event.type === 'LOAD' && event.config !== undefined ? event.config.value : context.config,
}));

/** It need not stay loaded any more, its crashes no longer count, and none of the instances that it lost is wanted back. */
export const noteUnload = [base.assign({ keepLoaded: false, restore: 0 }), report('PLUGIN.CLEARED')] as const;

/** It takes calls again, and may start workers. */
export const enable = [base.assign({ enabled: true }), admitAll] as const;

/** Remembers why leases are drained or the worker is stopped. */
export const intend = (intent: DrainIntent | undefined) => base.assign({ intent });

/**
 * A worker is ready: the plugin stays loaded from here on, whoever had it started, and nothing is intended any more. At
 * the end of calls it is ready again, and an `assign` that changes nothing costs as much as one that does.
 */
export const noteServing = base.enqueueActions(({ context: { keepLoaded, everReady, intent, denied }, enqueue }) => {
  if (keepLoaded && everReady && intent === undefined && !denied) return;
  enqueue.assign({ keepLoaded: true, everReady: true, intent: undefined, denied: false });
});
