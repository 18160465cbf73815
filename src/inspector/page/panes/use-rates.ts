import { useEffect, useMemo } from 'preact/hooks';
import type { RateName } from '../../wire.ts';
import { usePage } from '../store/page.ts';
import { figureAt, perSecond, SPARK_MS, sparkPath, sumIn } from '../store/spark.ts';

/** The sparklines of a plugin, or of all of them, with their figures in words; '' where there is none. */
export interface ShownRates {
  /** The path of memory, in which the budget is at the top, in MiB. */
  memory(budgetMb: number | undefined): string;
  readonly memoryMb: number | undefined;
  readonly cpu: string;
  readonly cpuText: string;
  readonly calls: string;
  readonly callsText: string;
  readonly errors: string;
  readonly errorsText: string;
}

/**
 * The rates of a plugin up to a time, in milliseconds since the epoch, which are asked for while the component is there;
 * `'all'` for those of all plugins. Undefined where there is no runtime.
 */
export function useRates(plugin: string | undefined, until: number): ShownRates | undefined {
  const page = usePage();
  const { rates } = page;
  const isOfOne = plugin !== undefined && plugin !== ALL;
  useEffect(() => (isOfOne ? rates?.want(plugin) : undefined), [rates, isOfOne, plugin]);
  const version = rates?.version.value;
  const isLive = page.cursor.value === undefined;
  // Between two answers a sparkline stands still.
  const shown = isLive ? (rates?.lineOf(undefined, 'calls')?.at.at(-1) ?? until) : until;
  return useMemo(() => {
    if (rates === undefined || plugin === undefined) return undefined;
    const line = (name: RateName) => rates.lineOf(isOfOne ? plugin : undefined, name) ?? { at: [], figures: [] };
    const [memory, cpu, calls, errors] = [line('memoryMb'), line('cpuPercent'), line('calls'), line('errors')];
    const [percent, rate, failed] = [figureAt(cpu, shown), perSecond(calls, shown), sumIn(errors, shown)];
    return {
      memory: (budgetMb) => sparkPath(memory, shown, budgetMb ?? 0),
      memoryMb: figureAt(memory, shown),
      cpu: sparkPath(cpu, shown, 100),
      cpuText: percent === undefined ? '' : `${Math.round(percent)} %`,
      calls: sumIn(calls, shown) === 0 ? '' : sparkPath(calls, shown, 0),
      callsText: rate === undefined || rate === 0 ? '' : `${rate < 10 ? rate.toFixed(1) : Math.round(rate)} /s`,
      errors: failed === 0 ? '' : sparkPath(errors, shown, 0),
      errorsText: failed === 0 ? '' : `${failed.toLocaleString()} in ${SPARK_MS / 60_000} min`,
    };
  }, [rates, plugin, isOfOne, version, shown]);
}

/** Stands for all plugins together; none has this name. */
export const ALL = '';
