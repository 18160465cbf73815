import { useEffect, useRef, useState } from 'preact/hooks';
import type { DecisionRecord } from '../../wire.ts';
import type { CallItem } from '../calls/call-log.ts';
import { actorText, isolated, timeText } from '../store/format.ts';
import { usePage } from '../store/page.ts';
import { sequenceOfCall } from './call-sequence.ts';
import { sequenceOfDecision } from './decision-sequence.ts';
import { SequenceDrawing } from './drawing.tsx';
import { mermaidText } from './mermaid.ts';
import './sequence.css';
import { type Sequence, sinceText, stepText, summaryText } from './sequence.ts';

/** What a sequence is made of: one call, or one decision of the scheduler. */
export type SequenceSubject = { readonly call: CallItem } | { readonly decision: DecisionRecord };

/** What {@link SequenceView} is made from. */
export interface SequenceProps {
  readonly subject: SequenceSubject;
  readonly onClose: () => void;
}

/** Who did what, in order, at the instant that is looked at, in a dialog: as a picture, as a list, and to be copied. */
export function SequenceView({ subject, onClose }: SequenceProps) {
  const page = usePage();
  void page.version.value;
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const history = page.history.value;
  if (history === undefined) return null;
  const moment = page.moment.value;
  const sequence =
    'call' in subject
      ? sequenceOfCall(history, subject.call, moment)
      : sequenceOfDecision(history, subject.decision, moment);
  return (
    <dialog ref={dialog} class="sequence" aria-labelledby="sequence-title" onClose={onClose}>
      <h2 id="sequence-title">{titleOf(subject)}</h2>
      <p class="muted">{summaryText(sequence)}</p>
      {sequence.isCut && (
        <p class="muted">It began before the earliest record that is remembered. Its first steps may be missing.</p>
      )}
      <div class="sequence-scroll" role="region" aria-label="Sequence diagram" tabIndex={0}>
        <SequenceDrawing sequence={sequence} />
        <StepList sequence={sequence} />
      </div>
      <div class="buttons">
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
        <CopyButton text={() => mermaidText(sequence)} />
      </div>
    </dialog>
  );
}

function titleOf(subject: SequenceSubject): string {
  if ('call' in subject) return `Call ${isolated(subject.call.tool)} of ${subject.call.plugin}`;
  const { actor, generation } = subject.decision;
  return `Memory for worker ${generation} of ${actorText(actor)}`;
}

/** What the picture says, for readers of the page's text and to be searched. */
function StepList({ sequence }: { readonly sequence: Sequence }) {
  const { steps, gap } = sequence;
  const first = steps[0]?.at ?? 0;
  return (
    <details>
      <summary>The same as text</summary>
      <ol class="sequence-list">
        {steps.map((step, index) => (
          <li key={index} data-tone={step.tone}>
            {gap?.after === index && <p class="muted">{gap.count} steps are left out</p>}
            <span class="mono" title={timeText(step.at)}>
              {sinceText(step.at, first)}
            </span>{' '}
            {stepText(sequence, step)}
          </li>
        ))}
      </ol>
    </details>
  );
}

function CopyButton({ text }: { readonly text: () => string }) {
  const [copied, setCopied] = useState('');
  const copy = (): void => {
    navigator.clipboard.writeText(text()).then(
      () => setCopied('Copied'),
      () => setCopied('The browser does not allow copying'),
    );
  };
  return (
    <>
      <button type="button" onClick={copy}>
        Copy as Mermaid
      </button>
      <span role="status">{copied}</span>
    </>
  );
}
