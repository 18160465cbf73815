import { Registry } from 'prom-client';
import type { Supervisor } from '../runtime/supervisor.ts';
import { CallTally } from './call-tally.ts';
import { EventLoopWatch } from './event-loop-lag.ts';
import { EventTally } from './event-tally.ts';
import { type FleetFigures, MACHINE_METRICS } from './machine-metrics.ts';
import { MeasuredMemory } from './measured-memory.ts';
import { registerMetrics } from './metric.ts';
import { PLUGIN_METRICS } from './plugin-metrics.ts';
import { PluginTallies } from './plugin-tally.ts';
import { pluginViews } from './plugin-views.ts';

/** Figures of one supervisor for Prometheus. */
export interface Metrics {
  /** The content type of {@link text}. */
  readonly contentType: string;
  /** All figures now, in the text format of Prometheus. */
  text(): Promise<string>;
  /** Stops counting. The supervisor is not affected. Idempotent. */
  close(): void;
}

/**
 * Counts what the supervisor does from now on, until it is closed: by its events and the tracing channel of its calls.
 * Gauges are read at each scrape. `docs/metrics.md` lists every metric.
 *
 * @param fleet the node of the fleet that the supervisor's program is, if it is one
 */
export function createMetrics(
  supervisor: Supervisor,
  fleet: () => FleetFigures | undefined = () => undefined,
): Metrics {
  const registry = new Registry();
  const tallies = new PluginTallies();
  const calls = new CallTally(supervisor, tallies, registry);
  const events = new EventTally(supervisor, tallies);
  const memory = new MeasuredMemory(supervisor);
  const lag = new EventLoopWatch();
  const showPlugins = registerMetrics(registry, PLUGIN_METRICS, ({ snapshot }) => ({ plugin: snapshot.name }), [
    'plugin',
  ]);
  const showMachine = registerMetrics(registry, MACHINE_METRICS, () => ({}), []);
  return {
    contentType: registry.contentType,
    async text() {
      const plugins = supervisor.plugins();
      const { scheduling } = supervisor.status();
      for (const gone of tallies.keep(new Set(plugins.map(({ name }) => name)))) calls.forget(gone);
      showPlugins(pluginViews(plugins, scheduling.holders, tallies, memory));
      showMachine([{ scheduling, lag: lag.take(), fleet: fleet() }]);
      const text = await registry.metrics();
      memory.refresh(plugins);
      return text;
    },
    close() {
      calls.close();
      events.close();
      lag.close();
    },
  };
}
