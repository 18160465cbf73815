import { planLaunch } from '../actors/launch.ts';
import type { LeaseEdges } from '../calls/lease-edges.ts';
import type { GreenroomError } from '../errors.ts';
import type { Listeners } from '../events/listeners.ts';
import type { SupervisorLog } from '../logs/supervisor-log.ts';
import { eventName } from '../machines/event-name.ts';
import { stuckText } from '../machines/plugin/gate-actions.ts';
import type { PluginContext, PluginHost, PluginPhase, PluginState } from '../machines/plugin.ts';
import type { ClientSession } from '../mcp/front-plugin.ts';
import type { ResolvedSettings } from '../settings/resolve.ts';
import type { Clock } from '../time/clock.ts';
import { configureInstances, inTurn } from './configuring.ts';
import type { PluginRecord } from './plugin-record.ts';
import type { ProgramHold } from './program-hold.ts';
import type { Scheduling } from './scheduling.ts';
import type { TransitionEvent } from './supervisor-events.ts';

/** What the effects are made with. */
export interface PluginEffectsParts {
  readonly settings: ResolvedSettings;
  readonly clock: Clock;
  readonly logger: SupervisorLog;
  readonly scheduling: Scheduling;
  readonly edges: LeaseEdges;
  readonly hold: ProgramHold;
  readonly transitions: Listeners<TransitionEvent>;
  readonly record: (plugin: string) => PluginRecord | undefined;
  /** A plugin is started: for which client of MCP, where it is for one. */
  readonly begun: (plugin: string) => ClientSession | undefined;
  /** Something has changed that no step of a machine tells of. */
  readonly onChange: () => void;
}

/** What the plugin machines ask for: the program to start, what is needed, and who is told of a state. */
export class PluginEffects implements PluginHost {
  readonly #parts: PluginEffectsParts;

  constructor(parts: PluginEffectsParts) {
    this.#parts = parts;
  }

  get clock(): Clock {
    return this.#parts.clock;
  }

  tellLeases(): void {
    this.#parts.edges.tellAll();
  }

  need(context: PluginContext): ReturnType<Scheduling['need']> {
    return this.#parts.scheduling.need(context);
  }

  plan({ entry, gpus }: PluginContext): ReturnType<typeof planLaunch> {
    const { transport, protocol, passEnv, nodePath } = this.#parts.settings;
    const plan = planLaunch(entry, { transport, protocol, passEnv, nodePath, hostEnv: process.env, gpus });
    return { ...plan, client: this.#parts.begun(entry.manifest.name) };
  }

  entered(context: PluginContext, to: PluginState, phase: PluginPhase, event: { readonly type: string }): void {
    const { clock, hold, transitions, logger } = this.#parts;
    const record = this.#parts.record(context.name);
    // The first state of a new actor is no transition.
    if (record === undefined || event.type === 'xstate.init') return;
    const { state: from, phase: formerPhase } = record;
    const at = clock.now();
    record.enter(to, phase, at);
    hold.set(record, !record.resting);
    // A plugin that is given up after a drain was told the reason when that began.
    const error = 'error' in event ? event.error : phase === 'failed' ? context.lastError : undefined;
    const reason = event.type === 'STUCK' ? stuckText(context) : error instanceof Error ? error.message : undefined;
    // A plugin at rest has nothing to end: it is only forgotten.
    const isForgotten = from === 'discovered' && formerPhase === 'idle' && event.type === 'REMOVE';
    if (transitions.any && !isForgotten) {
      transitions.notify(
        Object.freeze({ plugin: context.name, from, to, phase, event: eventName(event.type), at, reason }),
      );
    }
    // What is done about a crash is no news of its own, unless nothing is.
    if (to === 'crashed' && (from !== 'crashed' || phase === 'failed'))
      logger.warn({ plugin: context.name, phase, reason }, phase === 'failed' ? 'plugin given up' : 'plugin crashed');
  }

  replaced({ name: plugin }: PluginContext, error: GreenroomError | undefined): void {
    const { logger, onChange } = this.#parts;
    if (error !== undefined)
      logger.warn({ plugin, err: error }, 'The replacement worker did not start; the old worker keeps running.');
    const record = this.#parts.record(plugin);
    if (record === undefined) return;
    record.replacementError = error;
    record.noteChange();
    onChange();
  }

  lost({ name: plugin }: PluginContext, generation: number, error: GreenroomError): void {
    this.#parts.record(plugin)?.noteLoss(generation, error.message);
    this.#parts.logger.warn({ plugin, generation, reason: error.message }, 'an instance of a plugin was lost');
  }

  growthStopped({ name: plugin }: PluginContext, error: GreenroomError): void {
    this.#parts.logger.warn({ plugin, reason: error.message }, 'further instances of a plugin given up');
  }

  reconfigure({ name: plugin }: PluginContext): void {
    this.#reinitialize(plugin).catch((error: unknown) =>
      this.#parts.logger.warn(
        { plugin, err: error },
        'The plugin rejected the changed config; the previous config stays in effect.',
      ),
    );
  }

  async #reinitialize(plugin: string): Promise<void> {
    // Within a step of the plugin's machine, its snapshot is still the one before.
    await Promise.resolve();
    const record = this.#parts.record(plugin);
    if (record === undefined) return;
    await inTurn(record, async () => {
      // One that is released is given its config when it comes back.
      if (record.state !== 'released') await configureInstances(record, record.context.config);
    });
  }
}
