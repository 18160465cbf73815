import type { DecisionRecord } from '../../wire.ts';
import { Empty } from '../shell/empty.tsx';
import { actorText, durationText, timeText, wordOf } from '../store/format.ts';
import { type DecisionStep, decisionsOf, resourcesText } from '../store/decision.ts';
import type { ActorState } from '../store/model.ts';
import { usePage } from '../store/page.ts';

const OUTCOMES: Readonly<Record<string, string>> = {
  grant: 'Granted',
  evict: 'No room: others have to go',
  wait: 'No room: it waits',
  refuse: 'Refused',
};

/** Why a plugin has room or has none: what it asked for, who had to go and why, and what came of it. */
export function Why({ actor }: { readonly actor: ActorState }) {
  const page = usePage();
  void page.version.value;
  const history = page.history.value;
  if (history === undefined) return null;
  const steps = decisionsOf(history, actor, page.moment.value.seq);
  if (steps.length === 0) {
    return <Empty title="No decision is remembered">The scheduler decides when a plugin asks for room to start.</Empty>;
  }
  return (
    <ol class="why">
      {steps.map((step) => (
        <Decision key={step.decision.seq} step={step} isListed={actor.machine !== 'plugin'} />
      ))}
    </ol>
  );
}

function Decision({ step: { decision, gone }, isListed }: { readonly step: DecisionStep; readonly isListed: boolean }) {
  const page = usePage();
  const { seq, at, actor, policy, generation, asked, free, considered, outcome, reason } = decision;
  return (
    <li data-outcome={outcome}>
      <button type="button" class="why-time mono" onClick={() => page.lookAt(seq)}>
        {timeText(at)}
      </button>
      <p class="why-outcome">
        {isListed && `${actorText(actor)}: `}
        {OUTCOMES[outcome] ?? outcome}
      </p>
      <p>{reason}</p>
      <p class="muted">
        Worker {generation} asked for {resourcesText(asked)}. Free: {resourcesText(free)}. Policy {policy}.
      </p>
      {considered.length > 0 && <Considered decision={decision} />}
      {gone.map((transition) => (
        <p key={transition.seq} class="why-gone">
          {actorText(transition.actor)} is {transition.to}, {durationText(transition.at - at)} later
        </p>
      ))}
    </li>
  );
}

function Considered({ decision: { considered, chosen } }: { readonly decision: DecisionRecord }) {
  return (
    <table class="why-ranks">
      <caption>Who could have gone, the first to go first</caption>
      <thead>
        <tr>
          <th scope="col">Plugin</th>
          <th scope="col">Rank</th>
          <th scope="col">Has to</th>
        </tr>
      </thead>
      <tbody>
        {considered.map((each) => {
          const own = chosen.find(
            ({ plugin, generation }) => plugin === each['plugin'] && generation === each['generation'],
          );
          return (
            <tr key={`${wordOf(each['plugin'])}#${wordOf(each['generation'])}`} data-chosen={own !== undefined}>
              <td>{wordOf(each['plugin'])}</td>
              <td>{wordOf(each['rank'])}</td>
              <td>{own === undefined ? 'stay' : wordOf(own['ask']).toLowerCase()}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
