import { Empty } from '../shell/empty.tsx';
import { StateTag } from '../shell/glyph.tsx';
import { lazy } from '../shell/lazy.tsx';
import { Tabs } from '../shell/tabs.tsx';
import { jsonText } from '../store/format.ts';
import type { ActorState } from '../store/model.ts';
import { type DetailsTab, usePage } from '../store/page.ts';
import { ContextView } from './context-view.tsx';

const Calls = lazy(async () => (await import('../calls/calls.tsx')).Calls, 'The calls');
const ChartView = lazy(async () => (await import('./chart-view.tsx')).ChartView, 'The chart');
const Control = lazy(async () => (await import('./control.tsx')).Control, '');
const CrashReport = lazy(async () => (await import('./crash-report.tsx')).CrashReport, 'The report');
const EventView = lazy(async () => (await import('./event-view.tsx')).EventView, 'The event');
const Logs = lazy(async () => (await import('../logs/logs.tsx')).Logs, 'The log');
const ProcessView = lazy(async () => (await import('./process-view.tsx')).ProcessView, 'The process');
const Why = lazy(async () => (await import('./why.tsx')).Why, 'The decisions');

/** All that is known of the selected actor at the instant that is looked at. */
export function Details() {
  const page = usePage();
  const actor = page.actor.value;
  if (actor === undefined) {
    return (
      <section class="pane pane-details" aria-label="Details">
        <Empty
          title={`${page.selected.value} does not exist at this instant`}
          action={{
            text: 'Select the supervisor',
            onClick: () => {
              page.selected.value = 'supervisor';
            },
          }}
        >
          It was not discovered yet, or was already removed.
        </Empty>
      </section>
    );
  }
  const tabs = tabsOf(actor, page.cursor.value !== undefined);
  const chosen = tabs.some(({ name }) => name === page.tab.value) ? page.tab.value : 'context';
  return (
    <section class="pane pane-details" aria-label="Details">
      <div class="pane-head">
        <h2 class="details-name">
          <bdi>{actor.name}</bdi>
        </h2>
        <StateTag state={actor.state} phase={actor.phase} />
        <span class="spring" />
        {page.history.value?.known.control === true && <Control actor={actor} />}
      </div>
      <Tabs
        label="Details"
        tabs={tabs}
        chosen={chosen}
        onChoose={(name) => {
          page.tab.value = name;
        }}
        controls="details"
      />
      <div class="details-body" id="details" role="tabpanel" tabIndex={0} aria-label={chosen} data-tab-shown={chosen}>
        <View tab={chosen} actor={actor} />
      </div>
    </section>
  );
}

function View({ tab, actor }: { readonly tab: DetailsTab; readonly actor: ActorState }) {
  switch (tab) {
    case 'chart':
      return <ChartView actor={actor} />;
    case 'process':
      return <ProcessView actor={actor} />;
    case 'logs':
      return <Logs actor={actor} />;
    case 'why':
      return <Why actor={actor} />;
    case 'calls':
      return <Calls actor={actor} />;
    case 'config':
      return <Config actor={actor} />;
    case 'crash':
      return <CrashReport actor={actor} />;
    case 'event':
      return <EventView />;
    default:
      return <ContextView actor={actor} />;
  }
}

function Config({ actor: { context } }: { readonly actor: ActorState }) {
  const config = context['config'];
  if (config === undefined) {
    return <Empty title="No config was given">It runs with the defaults of its schema.</Empty>;
  }
  return <pre class="code">{jsonText(config)}</pre>;
}

interface TabOf {
  readonly name: DetailsTab;
  readonly title: string;
}

function tabsOf({ machine, lastCrash }: ActorState, isPast: boolean): readonly TabOf[] {
  const tabs: TabOf[] = [
    { name: 'context', title: 'Context' },
    { name: 'chart', title: 'Chart' },
    { name: 'logs', title: 'Logs' },
  ];
  if (machine === 'plugin') tabs.push({ name: 'process', title: 'Process' });
  if (machine === 'plugin' || machine === 'supervisor') tabs.push({ name: 'calls', title: 'Calls' });
  if (machine !== 'worker') tabs.push({ name: 'why', title: 'Why' });
  if (machine === 'plugin') tabs.push({ name: 'config', title: 'Config' });
  if (lastCrash !== undefined) tabs.push({ name: 'crash', title: 'Crash' });
  if (isPast) tabs.push({ name: 'event', title: 'Event' });
  return tabs;
}
