import type { Json, JsonObject } from '../../wire.ts';
import { Glyph } from '../shell/glyph.tsx';
import type { ActorItem } from '../store/actor-list.ts';
import {
  actorText,
  countText,
  durationText,
  isolated,
  memoryOfText,
  restartsText,
  stateText,
} from '../store/format.ts';
import { type ActorState, evictedFor, numberIn } from '../store/model.ts';
import { usePage } from '../store/page.ts';
import { RateCell } from './rate-cell.tsx';
import { useRates } from './use-rates.ts';

/** What {@link ActorRow} shows. */
export interface ActorRowProps {
  readonly item: ActorItem;
  readonly now: number;
  readonly place: number;
  readonly isSelected: boolean;
}

/** An actor in the overview: what it does, and of a plugin its memory, its calls and its crashes. */
export function ActorRow({ item, now, place, isSelected }: ActorRowProps) {
  const page = usePage();
  const { actor, level, workers, isUnfolded } = item;
  const { id, machine, name, since, facts } = actor;
  return (
    // The keys of the whole page go from actor to actor.
    <div
      class={`actor actor-level-${level}`}
      role="treeitem"
      aria-level={level}
      aria-posinset={place}
      aria-selected={isSelected}
      aria-expanded={workers === 0 ? undefined : isUnfolded}
      data-actor={id}
      onClick={() => {
        page.selected.value = id;
      }}
    >
      <div class="actor-main">
        <Glyph state={actor.state} />
        <div class="actor-line">
          <span class="actor-name" title={facts?.description === '' ? name : (facts?.description ?? name)}>
            {machine === 'worker' ? `worker ${id.slice(id.lastIndexOf('#'))}` : <bdi>{name}</bdi>}
          </span>
          {workers > 0 && (
            <button
              type="button"
              class="actor-fold"
              tabIndex={-1}
              aria-label={`${isUnfolded ? 'Hide' : 'Show'} ${countText(workers, 'worker')} of ${isolated(name)}`}
              onClick={(event) => {
                event.stopPropagation();
                page.fold(id, isUnfolded);
              }}
            >
              {isUnfolded ? '▾' : '▸'} {workers}
            </button>
          )}
          <span class="actor-since muted">{since === undefined ? '' : durationText(now - since)}</span>
        </div>
        <State actor={actor} />
      </div>
      <Figures actor={actor} now={now} />
    </div>
  );
}

/** What it does now. */
function State({ actor }: { readonly actor: ActorState }) {
  const page = usePage();
  const { rates, cursor } = page;
  const { state, phase, context, machine, name } = actor;
  const restarts = numberIn(context, 'restarts') ?? 0;
  const siblings = Array.isArray(context['siblings']) ? context['siblings'].length : 0;
  const asker = evictedFor(actor);
  const isDisabled = context['enabled'] === false;
  const inWords = stateText(state, phase);
  const eviction = asker && `evicted for ${actorText(asker)}`;
  void rates?.version.value;
  // What it was doing when that was last asked may have ended since.
  const isRunning = machine === 'plugin' && cursor.value === undefined && numberIn(context, 'inFlight');
  const doing = isRunning && rates?.busyOf(name);
  const more = eviction ?? (doing ? isolated(doing) : undefined);
  return (
    <div class="actor-line">
      <span
        class={`actor-state ink-${state}`}
        title={more && `${inWords} · ${more}`}
        onClick={() => more && (page.tab.value = eviction ? 'why' : 'calls')}
      >
        {more ? `${doing ? inWords.replace(' · serving', '') : state} · ${more}` : inWords}
        {isDisabled && ' · disabled'}
      </span>
      <span class="actor-facts muted">
        {siblings > 0 && <span title={`${siblings + 1} instances`}>×{siblings + 1}</span>}
        {restarts > 0 && <span title={restartsText(restarts)}>↻{restarts}</span>}
      </span>
    </div>
  );
}

/** Of a plugin and its workers, in columns; of the scheduler what is reserved. */
function Figures({ actor, now }: { readonly actor: ActorState; readonly now: number }) {
  const page = usePage();
  const { machine, name, state, context, crashes, lastCrash, lastDecision, facts } = actor;
  const rates = useRates(machine === 'plugin' ? name : undefined, now);
  if (machine !== 'plugin' && machine !== 'worker') return null;
  const memoryMb = numberIn(context, 'memoryMb') ?? rates?.memoryMb;
  const [inFlight, waiting] = [numberIn(context, 'inFlight') ?? 0, numberIn(context, 'waiting') ?? 0];
  // One that could not be loaded looks else as if nobody had tried.
  const failure = lastCrash?.error.code ?? (state === 'discovered' ? codeIn(context['lastError']) : undefined);
  const budgetMb = machine === 'plugin' ? facts?.budgetMb : undefined;
  const isOver = budgetMb !== undefined && memoryMb !== undefined && memoryMb > budgetMb;
  // Without a limit, what it asked for is what it is expected to take.
  const expectedMb = budgetMb ?? (lastDecision?.asked.ramMb || undefined);
  const calls = waiting > 0 ? `${inFlight} + ${waiting} waiting` : inFlight > 0 && `${inFlight} running`;
  return (
    <>
      <RateCell name="memory" path={rates?.memory(expectedMb)} isAlarming={isOver}>
        {memoryMb !== undefined && memoryOfText(memoryMb, expectedMb)}
      </RateCell>
      <RateCell name="cpu" path={rates?.cpu}>
        {rates?.cpuText}
      </RateCell>
      <RateCell name="calls" path={rates?.calls}>
        {calls || rates?.callsText}
      </RateCell>
      <RateCell name="errors" path={rates?.errors} isAlarming={true}>
        {rates?.errorsText}
      </RateCell>
      <div class="actor-cell actor-cell-crash" onClick={() => lastCrash && (page.tab.value = 'crash')}>
        {(crashes > 0 || failure !== undefined) && (
          <span class="ink-crashed">
            {crashes > 0 && <b title={`Crashes: ${crashes}`}>✕{crashes}</b>} {failure}
          </span>
        )}
        {lastCrash !== undefined && <span class="muted">{durationText(now - lastCrash.at)} ago</span>}
      </div>
    </>
  );
}

function codeIn(error: Json | undefined): string | undefined {
  const { code } = (error ?? {}) as JsonObject;
  return typeof code === 'string' ? code : undefined;
}
