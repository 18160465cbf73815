import { useEffect } from 'preact/hooks';
import { Actors } from '../panes/actors.tsx';
import { Details } from '../panes/details.tsx';
import { Events } from '../panes/events.tsx';
import { LanesPane } from '../panes/lanes-pane.tsx';
import { type PaneName, usePage } from '../store/page.ts';
import { Header } from './header.tsx';
import { listenToKeys } from './keyboard.ts';
import { lazy } from './lazy.tsx';
import { openFile } from './session-files.ts';
import { Splitter } from './splitter.tsx';
import { Strip } from './strip.tsx';
import { Tabs } from './tabs.tsx';
import { TimeBar } from './time-bar.tsx';
import { Welcome } from './welcome.tsx';

const Help = lazy(async () => (await import('./help.tsx')).Help, 'The keys');

const PANES: readonly { readonly name: PaneName; readonly title: string }[] = [
  { name: 'actors', title: 'Plugins' },
  { name: 'events', title: 'Events' },
  { name: 'details', title: 'Details' },
  { name: 'lanes', title: 'Lanes' },
];

/** The whole page. */
export function App() {
  const page = usePage();
  useEffect(() => listenToKeys(page), [page]);
  useEffect(() => acceptFiles((file) => openFile(page, file)), [page]);
  const hasHistory = page.history.value !== undefined;
  return (
    <div class="app" data-pane={page.pane.value} data-ended={page.hasEnded.value}>
      <Header />
      {hasHistory ? (
        <>
          <Strip />
          <TimeBar />
          <Tabs
            label="Panes"
            tabs={PANES}
            chosen={page.pane.value}
            onChoose={(name) => {
              page.pane.value = name;
            }}
            controls="panes"
          />
          <main class="panes" id="panes">
            <div class="panes-column">
              <Actors />
              <Splitter name="lanes" label="Height of the lanes" initial={350} min={64} max={900} grows="up" />
              <LanesPane />
            </div>
            <Splitter name="right" label="Width of the details" initial={540} min={280} max={900} grows="left" />
            <div class="panes-column">
              <Events />
              <Splitter name="details" label="Height of the details" initial={480} min={100} max={900} grows="up" />
              <Details />
            </div>
          </main>
        </>
      ) : (
        <Welcome />
      )}
      {page.isHelpOpen.value && <Help />}
      {page.notice.value !== '' && (
        <div class="notice" role="alert">
          {page.notice.value}
          <button
            type="button"
            onClick={() => {
              page.notice.value = '';
            }}
          >
            Close
          </button>
        </div>
      )}
    </div>
  );
}

/** Takes files that are dropped anywhere. Returns how to stop. */
function acceptFiles(open: (file: File) => void): () => void {
  const onDragOver = (event: DragEvent): void => event.preventDefault();
  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (file !== undefined) open(file);
  };
  addEventListener('dragover', onDragOver);
  addEventListener('drop', onDrop);
  return () => {
    removeEventListener('dragover', onDragOver);
    removeEventListener('drop', onDrop);
  };
}
