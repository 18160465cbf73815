import type { ComponentChildren } from 'preact';
import { SPARK } from '../store/spark.ts';

/** What {@link RateCell} shows. */
export interface RateCellProps {
  readonly name: 'memory' | 'cpu' | 'calls' | 'errors';
  /** The path of its sparkline; undefined or '' where nothing was measured. */
  readonly path: string | undefined;
  /** Whether what it shows is too much. */
  readonly isAlarming?: boolean | undefined;
  /** The figure, in words. */
  readonly children: ComponentChildren;
}

/** A figure of a plugin, or of all of them, below how it was over the last minutes. */
export function RateCell({ name, path = '', isAlarming = false, children }: RateCellProps) {
  return (
    <div class={`actor-cell actor-cell-${name}`} data-alarming={isAlarming}>
      {path !== '' && (
        <svg class="spark" viewBox={`0 0 ${SPARK.width} ${SPARK.height}`} preserveAspectRatio="none" aria-hidden="true">
          <path d={path} />
        </svg>
      )}
      <span>{children}</span>
    </div>
  );
}
