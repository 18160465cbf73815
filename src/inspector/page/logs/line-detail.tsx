import type { LogLine } from '../../wire-logs.ts';
import { timeText } from '../store/format.ts';
import { usePage } from '../store/page.ts';

/** All of a line that was chosen, however long, where it comes from, and the way to its instant. */
export function LineDetail({ line, onGo }: { readonly line: LogLine; readonly onGo: () => void }) {
  const history = usePage().history.value;
  const cursor = usePage().cursor.value;
  const { at, plugin, generation, stream, level, text } = line;
  const date = new Date(at).toLocaleDateString();
  const facts = [
    date === new Date().toLocaleDateString() ? undefined : date,
    timeText(at),
    generation === undefined ? plugin : `${plugin}#${generation}`,
    stream ?? 'runtime',
    level,
  ].filter((fact) => fact !== undefined);
  const isOld = history !== undefined && at < history.firstAt;
  const isShown = cursor !== undefined && cursor === history?.instantAt(at);
  return (
    <div class="log-detail" aria-live="polite">
      <p class="muted">
        <bdi>{facts.join(' · ')}</bdi> {isOld && '· older than what the page remembers '}
        {!isOld && !isShown && (
          <button type="button" class="small" onClick={onGo}>
            Show this instant
          </button>
        )}
      </p>
      <pre class="code">
        <bdi>{text}</bdi>
      </pre>
    </div>
  );
}
