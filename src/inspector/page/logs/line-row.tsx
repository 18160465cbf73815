import { timeText } from '../store/format.ts';
import { isLeftOut, type LogRow } from './log-view.ts';

/** What {@link LineRow} shows. */
export interface LineRowProps {
  readonly row: LogRow;
  /** From 1. */
  readonly place: number;
  /** Whether the log is of several plugins, so that each line says of which it is. */
  readonly isOfAll: boolean;
  /** Whether it was printed after the instant that is looked at. */
  readonly isLater: boolean;
  readonly isCurrent: boolean;
  readonly onChoose: () => void;
}

/** One line of a log. What was printed is isolated, so that it cannot turn around the text beside it. */
export function LineRow({ row, place, isOfAll, isLater, isCurrent, onChoose }: LineRowProps) {
  const left = isLeftOut(row);
  return (
    <div
      class="log-line"
      role="row"
      aria-rowindex={place}
      aria-current={isCurrent ? 'true' : undefined}
      data-later={isLater}
      data-level={left ? 'left' : row.level}
      data-of-runtime={!left && row.stream === undefined}
      onClick={onChoose}
    >
      <span role="cell" class="muted">
        {timeText(row.at)}
      </span>
      {isOfAll && (
        <span role="cell" class="log-plugin">
          <bdi>{left ? '' : row.plugin}</bdi>
        </span>
      )}
      <span role="cell" class="log-text">
        {left ? `${row.left.toLocaleString()} lines came too fast and are left out here` : <bdi>{row.text}</bdi>}
      </span>
    </div>
  );
}
