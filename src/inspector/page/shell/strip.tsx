import { useState } from 'preact/hooks';
import type { AlertKind } from '../../wire.ts';
import { actorText, countText, timeText } from '../store/format.ts';
import { usePage } from '../store/page.ts';
import { Glyph } from './glyph.tsx';
import './strip.css';

/** What is said of an alert; of one that is not here, its text. */
const WORDS: Readonly<Partial<Record<AlertKind, string>>> = {
  'given-up': 'given up',
  hung: 'hung',
  crashed: 'crashed',
  refused: 'refused',
  waiting: 'waits long',
  manifest: 'manifest',
};

/** The state whose shape and colour an alert has. */
const STATES: Readonly<Record<AlertKind, string>> = {
  'given-up': 'crashed',
  hung: 'crashed',
  crashed: 'crashed',
  refused: 'released',
  waiting: 'spawning',
  slow: 'busy',
  manifest: 'discovered',
};

/** What is wrong, each a link to where it is seen; before it, that the page is cut off from the runtime. */
export function Strip() {
  const page = usePage();
  const [isOpen, setOpen] = useState(false);
  const alerts = page.alerts.value;
  const more = page.moreAlerts.value;
  return (
    <section class="strip" aria-label="What is wrong" data-open={isOpen}>
      <CutOff />
      <span class="strip-title" role="status">
        {alerts.length === 0 ? 'Nothing is wrong' : countText(alerts.length + more, 'alert')}
      </span>
      {alerts.length > 0 && (
        <>
          <ul class="strip-alerts">
            {alerts.map((alert) => {
              const { kind, actor, at, text, call } = alert;
              return (
                <li key={`${kind} ${actor} ${at} ${call ?? text}`}>
                  <button
                    type="button"
                    class={`small alert ink-${STATES[kind]}`}
                    title={text}
                    onClick={() => {
                      if (call === undefined) return page.showAlert(alert);
                      page.lookAt(undefined);
                      page.lookAtCall(actor, call);
                    }}
                  >
                    <Glyph state={STATES[kind]} />
                    <bdi class="alert-name">{actor === 'supervisor' ? fileIn(text) : actorText(actor)}</bdi>{' '}
                    <bdi>{WORDS[kind] ?? text}</bdi> <time class="muted">{timeText(at).slice(0, 8)}</time>
                  </button>
                </li>
              );
            })}
            {more > 0 && <li class="muted">and {more} more</li>}
          </ul>
          <button type="button" class="small" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {isOpen ? 'Fewer' : 'All'}
          </button>
        </>
      )}
    </section>
  );
}

/** Why what is shown is not the present, and what to do. */
function CutOff() {
  const page = usePage();
  const source = page.source.value;
  if (source.kind !== 'stream') return null;
  if (source.state === 'full') {
    return <p class="strip-cut">Too many pages of this inspector are open: close one, and this one goes on.</p>;
  }
  if (!page.hasEnded.value) return null;
  const seen = timeText(page.history.value?.present.at ?? 0).slice(0, 8);
  return (
    <p class="strip-cut">
      {source.state === 'refused' ? (
        <>
          The runtime was restarted. Open the link that <code>greenroom dev</code>, <code>greenroom serve</code> or{' '}
          <code>supervisor.inspector.url</code> gives now.
        </>
      ) : (
        'The runtime has ended.'
      )}{' '}
      This is its state at {seen}, when it was last heard of.
    </p>
  );
}

/** The name of the file that the text of a manifest's problem begins with. */
const fileIn = (text: string): string => /[^/\\]+(?= · )/.exec(text)?.[0] ?? 'manifest';
