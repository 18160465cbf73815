import { useState } from 'preact/hooks';
import { mayAct } from '../panes/act.ts';
import { Empty } from '../shell/empty.tsx';
import { lazy } from '../shell/lazy.tsx';
import '../shell/split.css';
import { VirtualList } from '../shell/virtual-list.tsx';
import { durationText, timeText } from '../store/format.ts';
import type { ActorState } from '../store/model.ts';
import { usePage } from '../store/page.ts';
import { type CallKind, type CallOrder, chooseCalls } from './call-filter.ts';
import type { CallItem } from './call-log.ts';
import { outcomeText, ranText, stateText } from './call-text.ts';
import { CallView } from './call-view.tsx';
import './calls.css';
import { Figures, FiguresLine } from './figures.tsx';
import { useCalls } from './use-calls.ts';

const CallForm = lazy(async () => (await import('./call-form.tsx')).CallForm, 'The form');

const KINDS: readonly { readonly kind: CallKind; readonly title: string }[] = [
  { kind: 'all', title: 'All' },
  { kind: 'running', title: 'Running' },
  { kind: 'failed', title: 'Failed' },
  { kind: 'slow', title: 'Slow' },
];

const ORDERS: readonly { readonly order: CallOrder; readonly title: string }[] = [
  { order: 'time', title: 'Latest first' },
  { order: 'took', title: 'Longest first' },
  { order: 'tool', title: 'By tool' },
];

/** The calls of a plugin, or of all where the supervisor is selected: those that run, those that have ended, and one of them. */
export function Calls({ actor }: { readonly actor: ActorState }) {
  const page = usePage();
  const plugin = actor.machine === 'plugin' ? actor.name : undefined;
  const [kind, setKind] = useState<CallKind>('all');
  const [order, setOrder] = useState<CallOrder>('time');
  const [query, setQuery] = useState('');
  const [isCalling, setCalling] = useState(false);
  const { items, figures, payloads, unlisted } = useCalls(page, plugin);
  const shown = chooseCalls(items, { plugin, kind, query, order });
  const place = shown.findIndex(({ call }) => call === page.call.value);
  const selected = shown[place] ?? items.find(({ call }) => call === page.call.value);
  const mayControl = mayAct(page);
  const callsNow = isCalling && plugin !== undefined && mayControl;
  const widest = shown.reduce((most, item) => Math.max(most, nameOf(item, plugin === undefined).length), 0);
  const select = (item: CallItem | undefined): void => {
    if (item === undefined) return;
    page.call.value = item.call;
    setCalling(false);
  };
  return (
    <div class="calls split">
      <div class="split-tools">
        <div class="calls-kinds" role="group" aria-label="Only calls of this kind">
          {KINDS.map((each) => (
            <button
              key={each.kind}
              type="button"
              class="small"
              aria-pressed={kind === each.kind}
              onClick={() => setKind(each.kind)}
            >
              {each.title}
            </button>
          ))}
        </div>
        <input
          type="search"
          class="small"
          placeholder="Tool, error, client"
          aria-label="Only calls that contain"
          value={query}
          onInput={(event) => setQuery(event.currentTarget.value)}
        />
        <select
          class="small"
          aria-label="Order of the calls"
          value={order}
          onChange={(event) => setOrder(event.currentTarget.value as CallOrder)}
        >
          {ORDERS.map((each) => (
            <option key={each.order} value={each.order}>
              {each.title}
            </option>
          ))}
        </select>
        {plugin !== undefined && mayControl && (
          <button type="button" class="small" aria-pressed={isCalling} onClick={() => setCalling(!isCalling)}>
            Call …
          </button>
        )}
      </div>
      <FiguresLine figures={figures} />
      <div
        class="split-panes"
        data-rests={selected === undefined && !callsNow}
        style={{ '--widest-tool': `${widest + 1}ch` }}
      >
        {shown.length === 0 ? (
          <NoCalls isFiltered={kind !== 'all' || query !== ''} />
        ) : (
          <VirtualList
            items={shown}
            rowHeight={24}
            role="table"
            label="Calls"
            reveal={place === -1 ? undefined : place}
            keys={{
              ArrowUp: () => select(shown[Math.max(0, place - 1)]),
              ArrowDown: () => select(shown[Math.min(shown.length - 1, place + 1)]),
            }}
          >
            {(item, index) => (
              <CallRow
                key={item.call}
                item={item}
                place={index + 1}
                isOfAll={plugin === undefined}
                isSelected={item.call === selected?.call}
                onSelect={() => select(item)}
              />
            )}
          </VirtualList>
        )}
        <div class="split-side" role="region" tabIndex={0} aria-label={isCalling ? 'Call the plugin' : 'The call'}>
          {callsNow ? (
            <CallForm key={plugin} plugin={plugin} />
          ) : selected === undefined ? (
            <>
              <Figures figures={figures} isOfAll={plugin === undefined} />
              {unlisted > 0 && <p class="muted">{unlisted.toLocaleString()} further calls run.</p>}
              {payloads === false && <p class="muted">Inputs and outputs are not kept: the option payloads is off.</p>}
            </>
          ) : (
            <CallView key={selected.call} item={selected} mayCancel={mayControl} />
          )}
        </div>
      </div>
    </div>
  );
}

function NoCalls({ isFiltered }: { readonly isFiltered: boolean }) {
  return isFiltered ? (
    <Empty title="No call matches" />
  ) : (
    <Empty title="No calls at this instant">A call appears here when it begins.</Empty>
  );
}

interface CallRowProps {
  readonly item: CallItem;
  readonly place: number;
  readonly isOfAll: boolean;
  readonly isSelected: boolean;
  readonly onSelect: () => void;
}

/** What a row calls its call: by the tool, among calls of several plugins by the plugin too. */
const nameOf = ({ plugin, tool }: CallItem, isOfAll: boolean): string => (isOfAll ? `${plugin} ${tool}` : tool);

const MARKS = { running: '▸', waiting: '⋯', ok: '✓', failed: '✕', lost: '?' } as const;

function CallRow({ item, place, isOfAll, isSelected, onSelect }: CallRowProps) {
  const { call, plugin, tool, from, state, part, isSlow, tookMs, progress, message } = item;
  const word = stateText(item);
  const isUnderWay = state === 'running' && progress !== undefined;
  const said = isUnderWay ? `${Math.round(progress * 100)} % ${message ?? ''}` : message;
  // That it runs is said by how far it is.
  const outcome = state === 'ok' || (isUnderWay && part === 'run') ? '' : outcomeText(item);
  const note = [outcome, ranText(item), said].filter(Boolean).join(' · ');
  return (
    <div
      class="call-row split-row"
      role="row"
      aria-rowindex={place}
      aria-current={isSelected ? 'true' : undefined}
      data-call={call}
      data-state={state}
      onClick={onSelect}
    >
      <span role="cell" class="call-mark" title={word}>
        <span aria-hidden="true">{MARKS[state === 'running' && part !== 'run' ? 'waiting' : state]}</span>
        <span class="unseen-text">{word}</span>
      </span>
      <span role="cell">{timeText(from)}</span>
      <span role="cell" class="call-tool" title={`${plugin} · ${tool}`}>
        {isOfAll && <bdi class="muted">{plugin} </bdi>}
        {tool}
      </span>
      <span role="cell" class="call-took" data-slow={isSlow}>
        {isSlow && 'slow '}
        {durationText(tookMs)}
      </span>
      <span role="cell" class="call-note" title={note}>
        {note}
      </span>
    </div>
  );
}
