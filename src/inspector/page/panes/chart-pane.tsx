import { useMemo } from 'preact/hooks';
import type { StatechartProps } from '../chart/statechart.tsx';
import { Empty } from '../shell/empty.tsx';
import { StateTag } from '../shell/glyph.tsx';
import { lazy } from '../shell/lazy.tsx';
import { dwellOf } from '../store/dwell.ts';
import { pathsOfState } from '../store/model.ts';
import { usePage } from '../store/page.ts';

const Statechart = lazy<StatechartProps>(
  async () => (await import('../chart/statechart.tsx')).Statechart,
  'The statechart',
);

/** The statechart of the selected actor, as it is at the instant that is looked at. */
export function ChartPane() {
  const page = usePage();
  const [actor, history] = [page.actor.value, page.history.value];
  const last = useMemo(() => {
    const record = actor?.lastTransition;
    if (record === undefined || actor === undefined) return undefined;
    const { from, active, event } = record;
    return { before: pathsOfState(actor.machine, from, actor.context), after: active, event };
  }, [actor?.lastTransition]);
  if (actor === undefined || history === undefined) {
    return (
      <section class="pane pane-chart" aria-label="Chart">
        <Empty title="No actor at this instant">Select another, or another instant.</Empty>
      </section>
    );
  }
  const { id, name, machine, state, phase, active } = actor;
  const moment = page.moment.value;
  return (
    <section class="pane pane-chart" aria-label="Chart">
      <div class="pane-head">
        <h2>Statechart</h2>
        <span class="muted">
          <bdi>{machine === 'plugin' ? name : id}</bdi> · {machine} machine
        </span>
        <span class="spring" />
        <StateTag state={state} phase={phase} />
      </div>
      <div class="chart-space">
        <Statechart
          machine={history.known.machines[machine]}
          active={active}
          last={last}
          isOpen={page.isExpanded.value}
          onOpen={(isOpen) => {
            page.isExpanded.value = isOpen;
          }}
          onSelectEvents={(events) => {
            page.ofSelected.value = true;
            page.onlyType.value = events[0];
          }}
          statisticsOf={(path) => dwellOf(history.transitionsOf(id), path, moment.seq, moment.at)}
        />
      </div>
    </section>
  );
}
