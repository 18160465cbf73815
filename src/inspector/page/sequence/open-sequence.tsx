import { useState } from 'preact/hooks';
import { lazy } from '../shell/lazy.tsx';
import type { SequenceProps, SequenceSubject } from './sequence-view.tsx';

const SequenceView = lazy<SequenceProps>(
  async () => (await import('./sequence-view.tsx')).SequenceView,
  'The sequence diagram',
);

/** A button that shows the sequence of a call or a decision. */
export function OpenSequence({ subject }: { readonly subject: SequenceSubject }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="small" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        Sequence diagram
      </button>
      {isOpen && <SequenceView subject={subject} onClose={() => setOpen(false)} />}
    </>
  );
}
