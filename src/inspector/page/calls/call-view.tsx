import { act } from '../panes/act.ts';
import { OpenSequence } from '../sequence/open-sequence.tsx';
import { durationText, timeText } from '../store/format.ts';
import { usePage } from '../store/page.ts';
import type { CallItem } from './call-log.ts';
import { outcomeText, PARTS, preciseText, progressText } from './call-text.ts';
import { Payload } from './payload.tsx';

/** One call: what it is at or how it ended, where its time went, what it was given and gave. */
export function CallView({ item, mayCancel }: { readonly item: CallItem; readonly mayCancel: boolean }) {
  const page = usePage();
  const { call, plugin, tool, client, from, state, isSlow, usualMs, tookMs, generation, startSeq, endSeq } = item;
  const job = jobOf(client);
  const usual = usualMs === undefined ? '' : `: its tool usually runs ${preciseText(usualMs)}`;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['Began', timeText(from)],
    [tookTitle(item), `${durationText(tookMs)}${isSlow ? `, slow${usual}` : ''}`],
    ['Worker', generation === undefined ? undefined : `number ${generation}`],
    ['Client', client],
    ['Progress', progressText(item)],
  ];
  return (
    <article class="call" aria-label={`Call ${call}`}>
      <p class="call-title" data-state={state}>
        <b>
          <bdi>{plugin}</bdi> · <bdi>{tool}</bdi>
        </b>{' '}
        {outcomeText(item)}
      </p>
      {item.state === 'failed' && item.message !== undefined && <p class="call-error">{item.message}</p>}
      <div class="buttons">
        <OpenSequence subject={{ call: item }} />
        {startSeq !== undefined && (
          <button type="button" class="small" onClick={() => page.lookAt(startSeq)}>
            Show its start
          </button>
        )}
        {endSeq !== undefined && (
          <button type="button" class="small" onClick={() => page.lookAt(endSeq)}>
            Show its end
          </button>
        )}
        {job !== undefined && (
          <button
            type="button"
            class="small"
            onClick={() => {
              page.job.value = job;
              page.tab.value = 'jobs';
            }}
          >
            Show its job
          </button>
        )}
        {mayCancel && state === 'running' && (
          <button type="button" class="small" onClick={() => void act(page, { action: 'cancel', plugin, call })}>
            Cancel this call
          </button>
        )}
      </div>
      <Parts item={item} />
      <Payload key={`${call} ${state}`} item={item} />
      <dl class="facts">
        {rows.map(
          ([term, text]) =>
            text !== undefined && (
              <div key={term}>
                <dt>{term}</dt>
                <dd>{text}</dd>
              </div>
            ),
        )}
      </dl>
    </article>
  );
}

/** What its duration is called: of one that has not ended, as what that has passed. */
function tookTitle({ state, part = 'run' }: CallItem): string {
  if (state !== 'running') return 'Took';
  return part === 'run' ? 'Running for' : 'Waiting for';
}

/** The job whose call it is; undefined where it is of none. */
const jobOf = (client: string | undefined): string | undefined => /^job ([0-9a-f-]{36})$/.exec(client ?? '')?.[1];

/** Where the time of a call went: a bar, and the same in words. */
function Parts({ item: { parts } }: { readonly item: CallItem }) {
  const all = PARTS.map((each) => ({ ...each, ms: parts[each.part] })).filter(({ ms }) => ms > 0);
  const sum = all.reduce((total, { ms }) => total + ms, 0);
  if (sum === 0) return null;
  return (
    <div class="call-parts">
      <div class="call-bar" aria-hidden="true">
        {all.map(({ part, ms }) => (
          <span key={part} data-part={part} style={{ width: `${(ms / sum) * 100}%` }} />
        ))}
      </div>
      <ul>
        {all.map(({ part, title, ms }) => (
          <li key={part}>
            <i data-part={part} /> {title} {preciseText(ms)}
          </li>
        ))}
      </ul>
    </div>
  );
}
