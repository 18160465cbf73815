import { usePage } from '../store/page.ts';
import { OpenButton } from './open-button.tsx';

/** What is shown while there is no session: why, and what to do. */
export function Welcome() {
  const source = usePage().source.value;
  const isWaiting = source.kind === 'stream' && ['opening', 'live', 'reconnecting'].includes(source.state);
  return (
    <main class="welcome">
      <img src="./icon.svg" alt="" width="56" height="56" />
      <h1>{isWaiting ? 'Connecting to the supervisor …' : titleOf(source)}</h1>
      {!isWaiting && (
        <>
          <p>{reasonOf(source)}</p>
          <p>
            <OpenButton text="Open a session" />
          </p>
          <p class="muted">or drop an exported file anywhere on this page. It stays on this machine.</p>
        </>
      )}
    </main>
  );
}

type Source = ReturnType<typeof usePage>['source']['value'];

function titleOf(source: Source): string {
  if (source.kind !== 'stream') return 'Nothing to show yet';
  if (source.state === 'full') return 'Too many pages are open';
  return source.state === 'refused' ? 'This address belongs to another runtime' : 'The runtime does not answer';
}

function reasonOf(source: Source): string {
  if (source.kind !== 'stream') {
    return 'To inspect a running supervisor, open the whole address that it printed, including the part after the #.';
  }
  if (source.state === 'full') {
    return 'Close another page of this inspector.';
  }
  return source.state === 'refused'
    ? 'The token of this page belongs to another runtime. Open the address that this runtime printed when it started.'
    : 'It may have ended. Start it again and open the address that it prints.';
}
