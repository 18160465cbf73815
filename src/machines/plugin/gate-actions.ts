import { GreenroomError } from '../../errors.ts';
import { refusalError } from '../../scheduler/refusal-error.ts';
import { oldWorkers, type PluginContext, residencyOf, workerOf } from './context.ts';
import type { PluginEvent, WithGeneration } from './events.ts';

/*
 * What the plugin does to its lease gate, and with it to calls.
 */

interface Step {
  readonly context: PluginContext;
  readonly event: PluginEvent;
}

/** The error that an event carries, as calls are told of it. */
export const errorOf = ({ host }: PluginContext, event: PluginEvent): GreenroomError | undefined => {
  if (event.type === 'REFUSED') return refusalError(event.error, host.clock);
  return 'error' in event ? event.error : undefined;
};

/** Why a worker is killed that holds on to a cancelled call, which is nobody's error. */
export const stuckText = ({ name, settings }: PluginContext): string =>
  `The worker of "${name}" did not give up a cancelled call within ${settings.cancelGraceMs} ms and was killed. Raise cancel_grace_ms in its manifest if it needs longer.`;

/** Why the worker that the event is of is killed, for its log. */
export const killReason = (context: PluginContext, event: PluginEvent): string | undefined =>
  event.type === 'STUCK' ? stuckText(context) : errorOf(context, event)?.message;

/** What calls are told that take longer than a drain. */
export const drainError = (context: PluginContext): GreenroomError =>
  new GreenroomError(
    'E_STOPPING',
    `The call to "${context.name}" was ended with its worker: it did not finish within ${context.settings.drainMs} ms. Raise drain_timeout_ms in its manifest if it needs longer.`,
    { plugin: context.name },
  );

/** Gives leases of the current worker. */
export const openGate = ({ context }: Step): void => {
  const residency = residencyOf(context);
  if (residency !== undefined) context.gate.open(residency);
};

/** Gives leases of the instance that the event is of, beside those of the others. */
export const openForInstance = ({ context, event }: Step): void => {
  const residency = workerOf(context, (event as WithGeneration).generation)?.residency;
  if (residency !== undefined) context.gate.open(residency);
};

/** Gives no more leases. */
export const closeGate = ({ context }: Step): void => context.gate.close();

/** Ends the leases of the generation that the event is of, which has no worker any more. */
export const loseLeases = ({ context, event }: Step): void => {
  const error = errorOf(context, event);
  const worker = workerOf(context, (event as WithGeneration).generation);
  if (error !== undefined && worker !== undefined) context.gate.lose(worker.generation, worker.residency, error);
};

/** Cancels the calls of the current generation, whose time is over, and ends its leases. */
export const endLeases = ({ context }: Step): void => {
  if (context.current !== undefined) context.gate.end(context.current, residencyOf(context), drainError(context));
};

/** Cancels the calls of the instance that the event is of, and ends its leases. */
export const endInstanceLeases = ({ context, event }: Step): void => {
  const worker = workerOf(context, (event as WithGeneration).generation);
  if (worker !== undefined) context.gate.end(worker.generation, worker.residency, drainError(context));
};

/** Cancels the calls of the generations that were replaced, and ends their leases. Those that were retired have a time of their own. */
export const endOldLeases = ({ context }: Step): void => {
  for (const { generation, residency, leaving } of oldWorkers(context)) {
    if (leaving === undefined) context.gate.end(generation, residency, drainError(context));
  }
};

/** Fails the calls that wait. */
export const refuseWaiting = ({ context, event }: Step): void => {
  const error = errorOf(context, event);
  if (error !== undefined) context.gate.refuseWaiting(error);
};

/** Fails the calls that wait, and all that come. */
export const refuseAll = ({ context, event }: Step): void => {
  const error = errorOf(context, event);
  if (error !== undefined) context.gate.refuse(error);
};

/** Fails the calls that wait, and all that come, with the reason for which the plugin was given up. */
export const refuseGivenUp = ({ context }: Step): void => {
  if (context.lastError !== undefined) context.gate.refuse(context.lastError);
};

/** Takes calls again. */
export const admitAll = ({ context }: Step): void => context.gate.admit();

/** Takes calls again, unless the plugin is disabled. */
export const admitUnlessDisabled = ({ context }: Step): void => {
  if (context.enabled) context.gate.admit();
};
