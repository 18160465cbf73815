import type { JsonObject } from '../../wire.ts';
import { Glyph } from '../shell/glyph.tsx';
import { durationText, memoryText, stateText } from '../store/format.ts';
import { type ActorState, type Moment, numberIn, workerId, workersIn } from '../store/model.ts';
import { usePage } from '../store/page.ts';
import './instances.css';
import { ColumnHeads } from '../shell/column-heads.tsx';

/** The instances of a plugin at an instant, oldest first; none of a plugin that may have one worker only. */
export function instancesOf({ actors }: Moment, plugin: string, context: JsonObject): readonly ActorState[] {
  return workersIn(context)
    .toSorted((a, b) => a - b)
    .flatMap((generation) => {
      const worker = actors.get(workerId(plugin, generation));
      return worker?.instance === undefined ? [] : [worker];
    });
}

/** The instances of a plugin as a table; its rows select them. */
export function Instances({ instances }: { readonly instances: readonly ActorState[] }) {
  const page = usePage();
  const now = page.moment.value.at;
  return (
    <table class="instances">
      <caption>Instances</caption>
      <ColumnHeads names={['Worker', 'State', 'For', 'Process', 'Calls', 'Memory']} />
      <tbody>
        {instances.map(({ id, instance, context }) => {
          const { state = '', phase = '', since } = instance ?? {};
          const memoryMb = numberIn(context, 'memoryMb');
          return (
            <tr key={id}>
              <th scope="row">
                <button
                  type="button"
                  class="small mono"
                  onClick={() => {
                    page.selected.value = id;
                  }}
                >
                  {id.slice(id.lastIndexOf('#'))}
                </button>
              </th>
              <td class={`ink-${state}`}>
                <Glyph state={state} /> {stateText(state, phase)}
              </td>
              <td>{since === undefined ? '' : durationText(now - since)}</td>
              <td>{numberIn(context, 'pid') ?? ''}</td>
              <td>{numberIn(context, 'inFlight') ?? ''}</td>
              <td>{memoryMb === undefined ? '' : memoryText(memoryMb)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
