import { useEffect, useRef } from 'preact/hooks';
import { usePage } from '../store/page.ts';
import { COMMANDS } from './keyboard.ts';

const NAMES: Readonly<Record<string, string>> = { ' ': 'Space', Escape: 'Esc' };

/** Every key, in a dialog. */
export function Help() {
  const page = usePage();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const close = (): void => {
    page.isHelpOpen.value = false;
  };
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={close}>
      <h2 id="help-title">Keys</h2>
      <dl>
        {COMMANDS.map(({ keys, text }) => (
          <div key={text}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{NAMES[key] ?? key}</kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <p class="muted">
        In the plugins: right and left show and hide workers. In the chart: arrow keys go from state to state, t to the
        transitions, Enter selects. In the events: arrow keys go from row to row, Delete hides the type.
      </p>
      <button type="button" onClick={close}>
        Close
      </button>
    </dialog>
  );
}
