import { render } from 'preact';
import './palette.css';
import './shell/base.css';
import './shell/shell.css';
import './shell/parts.css';
import './panes/panes.css';
import { App } from './shell/app.tsx';
import { loadRest } from './shell/lazy.tsx';
import { openFile } from './shell/session-files.ts';
import { keepAddress, readAddress, takeToken } from './store/address.ts';
import { Page, PageContext } from './store/page.ts';
import { Rates } from './store/rates.ts';
import { followStream } from './store/stream.ts';

const page = new Page();
const token = takeToken();
readAddress(page);
keepAddress(page);
if (token !== undefined) {
  const stream = new AbortController();
  page.token = token;
  page.rates = new Rates(token, () => {
    const source = page.source.peek();
    return source.kind === 'stream' && source.state === 'live';
  });
  page.leaveStream = () => stream.abort();
  void followStream(
    token,
    {
      onSync: (sync) => page.sync(sync),
      onBatch: (records) => page.add(records),
      onDrop: (count) => {
        page.dropped.value += count;
      },
      onConnection: (state) => {
        page.source.value = { kind: 'stream', state };
      },
      onSession: (file) => openFile(page, file),
    },
    stream.signal,
  );
}

const root = document.getElementById('page');
if (root !== null) {
  render(
    <PageContext.Provider value={page}>
      <App />
    </PageContext.Provider>,
    root,
  );
}

// When all that is to be seen at once is there.
setTimeout(loadRest, 1_000);
