import { reasonText } from '../../../scheduler/decision-text.ts';
import type { DecisionRecord, Json } from '../../wire.ts';
import { OpenSequence } from '../sequence/open-sequence.tsx';
import { Empty } from '../shell/empty.tsx';
import { type DecisionStep, decisionsOf } from '../store/decision.ts';
import { actorText, durationText, timeText, wordOf } from '../store/format.ts';
import type { ActorState } from '../store/model.ts';
import { usePage } from '../store/page.ts';
import { resourcesText } from '../store/resources-text.ts';
import './why.css';
import { ColumnHeads } from '../shell/column-heads.tsx';

/** Ranks above this are times, in milliseconds since the epoch. */
const EARLIEST_TIME = Date.UTC(2020);

const OUTCOMES: Readonly<Record<string, string>> = {
  grant: 'Granted',
  evict: 'Evicting others for it',
  wait: 'Waiting for capacity',
  refuse: 'Refused',
};

/** Why a plugin has memory or has not: what it asked for, which plugins were evicted and why, and what came of it. */
export function Why({ actor }: { readonly actor: ActorState }) {
  const page = usePage();
  void page.version.value;
  const history = page.history.value;
  if (history === undefined) return null;
  const steps = decisionsOf(history, actor, page.moment.value.seq);
  if (steps.length === 0) {
    return <Empty title="No decisions">The scheduler decides when a plugin needs capacity to start.</Empty>;
  }
  return (
    <ol class="why">
      {steps.map((step) => (
        <Decision key={step.decision.seq} step={step} actor={actor} />
      ))}
    </ol>
  );
}

function Decision({ step, actor }: { readonly step: DecisionStep; readonly actor: ActorState }) {
  const page = usePage();
  const { decision, isVictim, gone } = step;
  const { seq, at, generation, asked, free, priority, since, considered, waitingFor, outcome, reason, policy } =
    decision;
  const asker = actorText(decision.actor);
  return (
    <li data-outcome={isVictim ? 'victim' : outcome}>
      <button type="button" class="why-time mono" onClick={() => page.lookAt(seq)}>
        {timeText(at)}
      </button>
      <p class="why-outcome">{isVictim ? `Evicted for ${asker}` : titleOf(decision, actor.machine !== 'plugin')}</p>
      <p>
        {isVictim && `${asker}: `}
        <bdi>{reasonText(reason)}</bdi>
      </p>
      <p class="muted">
        Worker {generation} of {asker} asked for {resourcesText(asked)}
        {priority === 0 ? '' : ` at priority ${priority}`}
        {at > since && `, ${durationText(at - since)} earlier`}. Free: {resourcesText(free)}. Policy {policy}.
      </p>
      {considered.length > 0 && <Considered decision={decision} />}
      {waitingFor.length > 0 && <InTheWay decision={decision} />}
      {gone.map((transition) => (
        <p key={transition.seq} class="why-gone">
          {actorText(transition.actor)} is {transition.to.replace('.', ' · ')}, {durationText(transition.at - at)} later
        </p>
      ))}
      <OpenSequence subject={{ decision }} />
    </li>
  );
}

function titleOf({ actor, outcome }: DecisionRecord, isListed: boolean): string {
  const title = OUTCOMES[outcome] ?? outcome;
  return isListed ? `${actorText(actor)}: ${title}` : title;
}

/** The plugins that hold the capacity that this one needs. */
function InTheWay({ decision: { at, waitingFor } }: { readonly decision: DecisionRecord }) {
  return (
    <table class="why-ranks">
      <caption>Plugins that hold the capacity</caption>
      <ColumnHeads names={['Plugin', 'Holds', 'Is']} />
      <tbody>
        {waitingFor.map(({ plugin, generation, holds, standing, leaving, since }) => (
          <tr key={`${wordOf(plugin)}#${wordOf(generation)}`}>
            <td>
              <bdi>{wordOf(plugin)}</bdi>
            </td>
            <td>{resourcesText(holds)}</td>
            <td>
              {wordOf(standing)}
              {leaving && ', being evicted'}
              {`, for ${durationText(at - since)}`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Considered({ decision: { considered, chosen } }: { readonly decision: DecisionRecord }) {
  return (
    <table class="why-ranks">
      <caption>Candidates for eviction, in order</caption>
      <ColumnHeads names={['Plugin', 'Rank', 'Outcome']} />
      <tbody>
        {considered.map((each) => {
          const own = chosen.find(
            ({ plugin, generation }) => plugin === each['plugin'] && generation === each['generation'],
          );
          return (
            <tr key={`${wordOf(each['plugin'])}#${wordOf(each['generation'])}`} data-chosen={own !== undefined}>
              <td>
                <bdi>{wordOf(each['plugin'])}</bdi>
              </td>
              <td>{rankText(each['rank'])}</td>
              <td>{own === undefined ? 'kept' : wordOf(own['ask']).toLowerCase()}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** A rank as it is read: by the usual order it is the time when a plugin was last used. */
function rankText(rank: Json | undefined): string {
  if (typeof rank !== 'number') return wordOf(rank);
  return rank > EARLIEST_TIME ? `last used ${timeText(rank)}` : String(Number(rank.toFixed(3)));
}
