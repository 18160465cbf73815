import { timeText } from '../store/format.ts';
import type { LogView } from './log-view.ts';

/** How much is kept of a plugin's log. */
const KEPT = '20 MiB';

/** What {@link BeyondRow} tells of. */
export interface BeyondRowProps {
  readonly view: LogView;
  readonly way: 'before' | 'after';
  /** From 1. */
  readonly place: number;
  /** Whether only some of the lines are wanted. */
  readonly isFiltered: boolean;
}

/** The row before the first line or after the last: that there is more, nothing, or nothing any more. */
export function BeyondRow(props: BeyondRowProps) {
  return (
    <div class="log-beyond muted" role="row" aria-rowindex={props.place}>
      <span role="cell">
        <BeyondText {...props} />
      </span>
    </div>
  );
}

function BeyondText({ view, way, isFiltered }: BeyondRowProps) {
  const beyond = view[way].value;
  const isEmpty = view.rows.value.length === 0;
  switch (beyond.kind) {
    case 'live':
      return null;
    case 'loading':
      return <>{beyond.reached === undefined ? 'Reading …' : `Searching, at ${timeText(beyond.reached)} …`}</>;
    case 'more':
      return <More view={view} way={way} text={way === 'before' ? 'Older lines' : 'Newer lines'} />;
    case 'end':
      if (way === 'after') return <More view={view} way={way} text="Look for newer lines" />;
      if (beyond.isCut === true) return <>Older lines are no longer kept: a log holds {KEPT} a plugin.</>;
      if (!isEmpty) return <>{isFiltered ? 'No earlier line matches.' : 'The log begins here.'}</>;
      return <>{isFiltered ? 'No line matches.' : 'Nothing was logged.'}</>;
  }
}

function More({ view, way, text }: Pick<BeyondRowProps, 'view' | 'way'> & { readonly text: string }) {
  return (
    <button type="button" onClick={() => view.load(way)}>
      {text}
    </button>
  );
}
