import { chooseCalls } from '../calls/call-filter.ts';
import type { CallItem } from '../calls/call-log.ts';
import { useCalls } from '../calls/use-calls.ts';
import { durationText } from '../store/format.ts';
import type { ActorState } from '../store/model.ts';
import { usePage } from '../store/page.ts';

/** So many calls are named, those that have run for longest; the others are counted. */
const NAMED = 3;

const PARTS = { queue: 'queued for', load: 'waiting for a worker for', run: 'running for' } as const;

/** What a plugin is doing at the instant that is looked at: its calls, which lead to what there is to know of them. */
export function RunningNow({ actor }: { readonly actor: ActorState }) {
  const page = usePage();
  const { items, unlisted } = useCalls(page, actor.name);
  const running = chooseCalls(items, { plugin: actor.name, kind: 'running', query: '', order: 'took' });
  const further = running.length + unlisted - NAMED;
  if (running.length === 0) return <>none</>;
  return (
    <>
      {running.slice(0, NAMED).map((item) => (
        <div key={item.call}>
          <button type="button" class="small mono" onClick={() => page.lookAtCall(actor.id, item.call)}>
            {item.tool}
          </button>{' '}
          {stateOf(item)}
        </div>
      ))}
      {further > 0 && <div class="muted">and {further.toLocaleString()} further</div>}
    </>
  );
}

function stateOf({ part, parts, tookMs, progress, message, chunks }: CallItem): string {
  const far = [
    progress === undefined ? undefined : `${Math.round(progress * 100)} %`,
    chunks === undefined ? undefined : `${chunks.toLocaleString()} chunks`,
    message,
  ];
  const at = part === undefined ? `begun ${durationText(tookMs)} ago` : `${PARTS[part]} ${durationText(parts[part])}`;
  return [at, ...far].filter(Boolean).join(' · ');
}
