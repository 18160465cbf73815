import { useState } from 'preact/hooks';
import { PLUGIN_STATES } from '../palette.ts';
import { linkTo } from '../store/address.ts';
import { countText } from '../store/format.ts';
import { usePage } from '../store/page.ts';
import { Glyph } from './glyph.tsx';
import { OpenButton } from './open-button.tsx';
import { exportFile } from './session-files.ts';

/** Where it comes from, how many there are in each state, the search, and what can be done with the session. */
export function Header() {
  const page = usePage();
  const hasHistory = page.history.value !== undefined;
  return (
    <header class="header">
      <div class="brand">
        <img src="./icon.svg" alt="" width="22" height="22" />
        <span>Greenroom</span>
      </div>
      <Connection />
      {hasHistory && (
        <>
          <Chips />
          <input
            id="search"
            type="search"
            placeholder="Search  ( / )"
            aria-label="Search names, states, events and errors"
            title="Names, states, events and errors"
            value={page.query.value}
            onInput={(event) => {
              page.query.value = event.currentTarget.value;
            }}
          />
          <div class="header-actions">
            <button type="button" onClick={() => page.togglePause()}>
              {page.cursor.value === undefined ? 'Pause' : 'Resume'}
            </button>
            <button type="button" onClick={() => exportFile(page)}>
              Export
            </button>
            <OpenButton text="Open" />
            <CopyLink />
            <button
              type="button"
              class="square"
              aria-label="Keys"
              title="Keys (?)"
              onClick={() => {
                page.isHelpOpen.value = true;
              }}
            >
              ?
            </button>
          </div>
        </>
      )}
    </header>
  );
}

/** Copies the address of what is shown. It has no token, so only a page that has one opens it. */
function CopyLink() {
  const page = usePage();
  const [isCopied, setCopied] = useState(false);
  const copy = (): void => {
    const link = linkTo(page);
    navigator.clipboard.writeText(link).then(
      () => setCopied(true),
      () => {
        page.notice.value = `The browser does not allow copying. The link is ${link}`;
      },
    );
  };
  return (
    <button
      type="button"
      title="To this actor, tab and instant; without the token"
      onClick={copy}
      onBlur={() => setCopied(false)}
    >
      {isCopied ? 'Copied' : 'Copy link'}
    </button>
  );
}

const STREAM_TEXTS = {
  opening: 'Connecting',
  live: 'Live',
  reconnecting: 'Reconnecting',
  full: 'Too many pages are open',
  lost: 'Runtime ended: data kept',
  refused: 'Runtime restarted',
} as const;

function Connection() {
  const page = usePage();
  const [source, dropped, cursor] = [page.source.value, page.dropped.value, page.cursor.value];
  const status = page.history.value?.known.supervisor;
  const hasEnded = page.hasEnded.value;
  const [kind, text] =
    source.kind === 'nothing'
      ? ['nothing', 'No session']
      : source.kind === 'file'
        ? ['file', source.name]
        : hasEnded
          ? ['ended', source.state === 'refused' ? STREAM_TEXTS.refused : STREAM_TEXTS.lost]
          : source.state === 'live' && cursor !== undefined
            ? ['paused', 'Paused']
            : [source.state, STREAM_TEXTS[source.state]];
  const machine = page.moment.value.actors.get('supervisor')?.state;
  const supervisor =
    status && `${machine ?? status.state} · ${status.policy} · ${countText(page.actors.value.workers, 'worker')}`;
  return (
    <div
      class="connection"
      title={
        status &&
        `${supervisor} · ${status.transport} · data in ${status.dataDir} · memory from ${status.monitor} · ${status.orphanProtection.promise}`
      }
    >
      <span class={`pill pill-${kind}`} role="status">
        {text}
      </span>
      {dropped > 0 && <span class="pill pill-dropped">{dropped.toLocaleString()} dropped</span>}
      <span class="supervisor muted">{supervisor}</span>
    </div>
  );
}

function Chips() {
  const page = usePage();
  const chosen = page.states.value;
  const { counts } = page.actors.value;
  return (
    <div class="chips" role="group" aria-label="Only actors in these states">
      {PLUGIN_STATES.map((state, index) => (
        <button
          key={state}
          type="button"
          class={`chip chip-${state}`}
          data-empty={counts[state] === 0}
          aria-pressed={chosen.has(state)}
          title={`Only ${state} (${index + 1})`}
          onClick={() => page.toggleState(state)}
        >
          <Glyph state={state} />
          <span class="chip-name">{state}</span>
          <b>{counts[state]}</b>
        </button>
      ))}
    </div>
  );
}
