import type { CallFigures } from '../../wire.ts';
import { ColumnHeads } from '../shell/column-heads.tsx';
import { preciseText } from './call-text.ts';

/** The figures of a plugin's tools, or of plugins, as a table. */
export function Figures({ figures, isOfAll }: { readonly figures: readonly CallFigures[]; readonly isOfAll: boolean }) {
  const rows = isOfAll ? figures : figures.filter(({ tool }) => tool !== undefined);
  if (rows.length === 0) return null;
  return (
    <table class="call-figures">
      <caption>All calls since the inspector was opened; durations to within 25 %</caption>
      <ColumnHeads names={[isOfAll ? 'Plugin' : 'Tool', 'Ended', 'Failed', 'Slow', 'p50', 'p95']} />
      <tbody>
        {rows.map(({ plugin, tool, ended, failed, slow, p50Ms, p95Ms }) => (
          <tr key={tool ?? plugin}>
            <th scope="row">
              <bdi>{tool ?? plugin}</bdi>
            </th>
            <td>{ended.toLocaleString()}</td>
            <td>{failed.toLocaleString()}</td>
            <td>{slow.toLocaleString()}</td>
            <td>{p50Ms === undefined ? '' : preciseText(p50Ms)}</td>
            <td>{p95Ms === undefined ? '' : preciseText(p95Ms)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The figures of all calls in a line, and what of them is not listed. */
export function FiguresLine({ figures }: { readonly figures: readonly CallFigures[] }) {
  const all = figures.filter(({ tool }) => tool === undefined);
  if (all.length === 0) return null;
  const sum = (name: 'ended' | 'failed' | 'slow' | 'leftOut' | 'notableLeftOut'): number =>
    all.reduce((total, each) => total + each[name], 0);
  const [{ p50Ms, p95Ms } = {}] = all.length === 1 ? all : [];
  const [leftOut, notable] = [sum('leftOut'), sum('notableLeftOut')];
  const parts = [
    `${sum('ended').toLocaleString()} ended`,
    `${sum('failed').toLocaleString()} failed`,
    `${sum('slow').toLocaleString()} slow`,
    p50Ms !== undefined && `p50 ${preciseText(p50Ms)}`,
    p95Ms !== undefined && `p95 ${preciseText(p95Ms)}`,
    leftOut > 0 && `${leftOut.toLocaleString()} left out of the list`,
    notable > 0 && `${notable.toLocaleString()} of them failed or slow`,
  ].filter((text) => text !== false);
  return <p class="calls-line muted">{parts.join(' · ')}</p>;
}
