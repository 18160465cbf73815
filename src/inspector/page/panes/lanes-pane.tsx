import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ActorId } from '../../wire.ts';
import { callBarsOf } from '../lanes/call-bars.ts';
import type { LanesProps } from '../lanes/props.ts';
import { lazy } from '../shell/lazy.tsx';
import type { History } from '../store/history.ts';
import type { Lane } from '../store/model.ts';
import { usePage } from '../store/page.ts';

const Lanes = lazy<LanesProps>(async () => (await import('../lanes/lanes.tsx')).Lanes, 'The lanes');

const NO_CALLS: ReadonlyMap<ActorId, never[]> = new Map();

/** The lanes of the plugins, one a line over time. */
export function LanesPane() {
  const page = usePage();
  const history = page.history.value;
  const version = page.version.value;
  const cursor = page.cursor.value;
  const source = page.source.value;
  const lanesOf = useLanes();
  // Where between two records the user has pointed: an instant has only the time of its record.
  const pointed = useRef<number | undefined>(undefined);
  const isLive = source.kind === 'stream' && source.state === 'live' && cursor === undefined;
  const until = useNow(history, isLive);
  const calls = useMemo(() => (history === undefined ? NO_CALLS : callBarsOf(history.records)), [history, version]);
  const ids = page.actors.value.items.filter(({ actor }) => actor.machine === 'plugin').map(({ actor }) => actor.id);
  const isPointed = pointed.current !== undefined && history?.instantAt(pointed.current) === cursor;
  return (
    <section class="pane pane-lanes" aria-label="Lanes">
      <Lanes
        lanes={history === undefined ? [] : lanesOf(history, ids)}
        instancesOf={history && ((id) => history.instancesOf(id))}
        calls={calls}
        until={until}
        cursor={cursor === undefined ? undefined : isPointed ? pointed.current : page.moment.value.at}
        range={page.range.value}
        selected={page.selected.value}
        onCursor={(at) => {
          pointed.current = at;
          page.lookAt(at === undefined ? undefined : history?.instantAt(at));
        }}
        onRange={(range) => {
          page.range.value = range;
        }}
        onSelect={(id) => {
          page.selected.value = id;
        }}
        onCall={(id, call) => page.lookAtCall(id, call)}
      />
    </section>
  );
}

/** Lanes are made again only of actors of which there is something new. */
function useLanes(): (history: History, ids: readonly ActorId[]) => Lane[] {
  const known = useRef<{ history: History; epoch: number; lanes: Map<ActorId, { size: number; lane: Lane }> }>(
    undefined,
  );
  return (history, ids) => {
    const { epoch } = history;
    if (known.current?.history !== history || known.current.epoch !== epoch) {
      known.current = { history, epoch, lanes: new Map() };
    }
    const { lanes } = known.current;
    return ids.map((id) => {
      const size = history.recordsOf(id).length;
      const found = lanes.get(id);
      if (found?.size === size) return found.lane;
      const lane = history.laneOf(id);
      lanes.set(id, { size, lane });
      return lane;
    });
  };
}

/** How often the lanes move on while nothing happens, in milliseconds. */
const TICK = 100;

/** The end of what is known: while it is live, the time at the runtime, whose clock need not be that of this machine. */
function useNow(history: History | undefined, isLive: boolean): number {
  const [, setTick] = useState(0);
  const ahead = useMemo(() => (history === undefined ? 0 : history.known.at - Date.now()), [history]);
  useEffect(() => {
    if (!isLive) return undefined;
    const timer = setInterval(() => setTick(Date.now()), TICK);
    return () => clearInterval(timer);
  }, [isLive]);
  const last = history?.present.at ?? Date.now();
  return isLive ? Math.max(last, Date.now() + ahead) : last;
}
