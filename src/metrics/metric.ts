import { Counter, Gauge, type Registry } from 'prom-client';

/** One metric: what it is, and how its value, or that of each of its series, is read from a view. */
export interface Metric<View> {
  readonly kind: 'counter' | 'gauge';
  /** With the unit that Prometheus asks for: seconds, bytes, `_total`. */
  readonly name: string;
  readonly help: string;
  /** The label that tells its series of one view apart. */
  readonly label?: 'code' | 'reason' | 'state' | 'gpu';
  /** `undefined`: it has no series. With a label, the values by that label. */
  readonly read: (view: View) => number | undefined | Iterable<readonly [label: string, value: number]>;
}

/** Registers metrics, and returns what makes their series: anew each time, so that what is gone takes its series with it. */
export function registerMetrics<View>(
  registry: Registry,
  metrics: readonly Metric<View>[],
  labelsOf: (view: View) => Readonly<Record<string, string>>,
  labels: readonly string[],
): (views: readonly View[]) => void {
  const registered = metrics.map(({ kind, name, help, label, read }) => {
    const labelNames = label === undefined ? labels : [...labels, label];
    const options = { name, help, labelNames, registers: [registry] };
    return { metric: kind === 'counter' ? new Counter(options) : new Gauge(options), label, read };
  });
  return (views) => {
    for (const { metric, label = '', read } of registered) {
      metric.reset();
      for (const view of views) {
        const value = read(view);
        const common = labelsOf(view);
        if (typeof value === 'number') metric.inc(common, value);
        else for (const [each, count] of value ?? []) metric.inc({ ...common, [label]: each }, count);
      }
    }
  };
}
