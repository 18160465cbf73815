import type { ComponentType } from 'preact';
import { Empty } from '../shell/empty.tsx';
import { StateTag } from '../shell/glyph.tsx';
import { lazy } from '../shell/lazy.tsx';
import { Tabs } from '../shell/tabs.tsx';
import { jsonText } from '../store/format.ts';
import type { ActorState } from '../store/model.ts';
import { DETAILS_TABS, type DetailsTab, usePage } from '../store/page.ts';
import { ContextView } from './context-view.tsx';

const Calls = lazy(async () => (await import('../calls/calls.tsx')).Calls, 'The calls');
const ChartView = lazy(async () => (await import('./chart-view.tsx')).ChartView, 'The chart');
const Control = lazy(async () => (await import('./control.tsx')).Control, '');
const CrashReport = lazy(async () => (await import('./crash-report.tsx')).CrashReport, 'The report');
const EventView = lazy<OfActor>(async () => (await import('./event-view.tsx')).EventView, 'The event');
const Jobs = lazy(async () => (await import('../jobs/jobs.tsx')).Jobs, 'The jobs');
const Logs = lazy(async () => (await import('../logs/logs.tsx')).Logs, 'The log');
const ProcessView = lazy(async () => (await import('./process-view.tsx')).ProcessView, 'The process');
const Why = lazy(async () => (await import('./why.tsx')).Why, 'The decisions');

interface OfActor {
  readonly actor: ActorState;
}

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
  const chosen = tabs.includes(page.tab.value) ? page.tab.value : 'context';
  const View = VIEWS[chosen];
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
        tabs={tabs.map((name) => ({ name, title: name.charAt(0).toUpperCase() + name.slice(1) }))}
        chosen={chosen}
        onChoose={(name) => {
          page.tab.value = name;
        }}
        controls="details"
      />
      <div class="details-body" id="details" role="tabpanel" tabIndex={0} aria-label={chosen} data-tab-shown={chosen}>
        <View actor={actor} />
      </div>
    </section>
  );
}

function Config({ actor: { context } }: OfActor) {
  const config = context['config'];
  if (config === undefined) {
    return <Empty title="No config was given">It runs with the defaults of its schema.</Empty>;
  }
  return <pre class="code">{jsonText(config)}</pre>;
}

/** What each tab shows. */
const VIEWS: Readonly<Record<DetailsTab, ComponentType<OfActor>>> = {
  context: ContextView,
  chart: ChartView,
  logs: Logs,
  process: ProcessView,
  calls: Calls,
  jobs: Jobs,
  why: Why,
  config: Config,
  crash: CrashReport,
  event: EventView,
};

function tabsOf({ machine, lastCrash }: ActorState, isPast: boolean): readonly DetailsTab[] {
  const isPlugin = machine === 'plugin';
  const hasCalls = isPlugin || machine === 'supervisor';
  const shown: Partial<Record<DetailsTab, boolean>> = {
    process: isPlugin,
    calls: hasCalls,
    jobs: hasCalls,
    why: machine !== 'worker',
    config: isPlugin,
    crash: lastCrash !== undefined,
    event: isPast,
  };
  return DETAILS_TABS.filter((tab) => shown[tab] ?? true);
}
