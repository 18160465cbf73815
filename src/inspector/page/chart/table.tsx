import type { ChartDefinition, ChartState } from '../../wire.ts';
import { ColumnHeads } from '../shell/column-heads.tsx';
import { isActive } from './highlight.ts';
import { causeText, statesOf } from './states.ts';

/** What {@link ChartTable} is made from. */
export interface ChartTableProps {
  readonly machine: ChartDefinition;
  readonly active: readonly string[];
}

/** All that a chart shows, as a table: each transition of each state, where it leads, on what condition. */
export function ChartTable({ machine, active }: ChartTableProps) {
  const states = statesOf(machine.root);
  const names = new Map(states.map((state) => [state.id, nameOf(state)]));
  return (
    <table class="chart-table">
      <caption>Transitions of {machine.id}, in the order in which they are tried</caption>
      <ColumnHeads names={['State', 'On', 'If', 'Goes to', 'Does']} />
      {states.map((state) => (
        <tbody key={state.id} data-active={isActive(state.path, active) || undefined}>
          <tr>
            <th scope="rowgroup" rowSpan={Math.max(1, state.transitions.length)}>
              {nameOf(state)}
              {isActive(state.path, active) && <span class="chart-table-active"> active</span>}
            </th>
            {state.transitions.length === 0 ? (
              <td colSpan={4}>nothing</td>
            ) : (
              <Cells state={state} at={0} names={names} />
            )}
          </tr>
          {state.transitions.slice(1).map((_, index) => (
            <tr key={index}>
              <Cells state={state} at={index + 1} names={names} />
            </tr>
          ))}
        </tbody>
      ))}
    </table>
  );
}

interface CellsProps {
  readonly state: ChartState;
  readonly at: number;
  readonly names: ReadonlyMap<string, string>;
}

function Cells({ state, at, names }: CellsProps) {
  const transition = state.transitions[at];
  if (transition === undefined) return null;
  return (
    <>
      <td>
        <code>{causeText(transition, state)}</code>
      </td>
      <td>{transition.guard ?? ''}</td>
      <td>
        {transition.targets.length === 0 ? 'stays' : transition.targets.map((id) => names.get(id) ?? id).join(', ')}
      </td>
      <td>{transition.actions.join(', ')}</td>
    </>
  );
}

const nameOf = ({ path, key }: ChartState): string => (path === '' ? key : path);
