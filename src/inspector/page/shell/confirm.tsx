import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

/** What is to be confirmed before it is done. */
export interface Question {
  readonly title: ComponentChildren;
  /** What it does. */
  readonly effect: string;
  /** The word for doing it. */
  readonly yes: string;
  readonly onYes: () => void;
}

/** Asks before something is done, while there is a question. */
export function Confirm({
  question,
  onClose,
}: {
  readonly question: Question | undefined;
  readonly onClose: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const isAsked = question !== undefined;
  useLayoutEffect(() => {
    if (isAsked) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isAsked]);
  return (
    <dialog
      ref={dialog}
      class="confirm"
      aria-labelledby="confirm-title"
      onClose={() => {
        // That it was closed is told later, and it may be open for something else by then.
        if (dialog.current?.open !== true) onClose();
      }}
    >
      <h2 id="confirm-title">{question?.title}</h2>
      <p>{question?.effect}</p>
      <div class="buttons">
        <button type="button" onClick={onClose}>
          No
        </button>
        <button
          type="button"
          class="primary"
          onClick={() => {
            question?.onYes();
            onClose();
          }}
        >
          {question?.yes}
        </button>
      </div>
    </dialog>
  );
}
