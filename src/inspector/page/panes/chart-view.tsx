import { useMemo } from 'preact/hooks';
import { Statechart } from '../chart/statechart.tsx';
import { dwellOf } from '../store/dwell.ts';
import { type ActorState, pathsOfState } from '../store/model.ts';
import { usePage } from '../store/page.ts';

/** The statechart of an actor, as it is at the instant that is looked at. */
export function ChartView({ actor }: { readonly actor: ActorState }) {
  const page = usePage();
  const { id, machine, active, lastTransition } = actor;
  const history = page.history.value;
  const last = useMemo(() => {
    if (lastTransition === undefined) return undefined;
    const { from, active: after, event } = lastTransition;
    return { before: pathsOfState(machine, from, actor.context), after, event };
  }, [lastTransition]);
  if (history === undefined) return null;
  const moment = page.moment.value;
  return (
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
  );
}
