import { PLUGIN_STATES } from '../palette.ts';
import type { Page } from '../store/page.ts';

/** A key and what it does, as the help lists it. */
export interface Command {
  readonly keys: readonly string[];
  readonly text: string;
  readonly run: (page: Page, key: string) => void;
}

/** Every key of the page, other than those of its widgets. */
export const COMMANDS: readonly Command[] = [
  { keys: ['j'], text: 'Next actor', run: (page) => page.selectNext(1) },
  { keys: ['k'], text: 'Previous actor', run: (page) => page.selectNext(-1) },
  { keys: ['['], text: 'Previous transition of the actor', run: (page) => page.step(-1) },
  { keys: [']'], text: 'Next transition of the actor', run: (page) => page.step(1) },
  { keys: ['/'], text: 'Search', run: () => document.getElementById('search')?.focus() },
  { keys: [' '], text: 'Pause or resume', run: (page) => page.togglePause() },
  {
    keys: ['f'],
    text: 'Follow the events',
    run: (page) => {
      page.isFollowing.value = !page.isFollowing.peek();
    },
  },
  {
    keys: ['c'],
    text: 'Show the chart of the actor',
    run: (page) => {
      page.tab.value = 'chart';
    },
  },
  {
    keys: ['e'],
    text: 'Expand or collapse the chart',
    run: (page) => {
      page.tab.value = 'chart';
      page.isExpanded.value = !page.isExpanded.peek();
    },
  },
  {
    keys: ['1', '2', '3', '4', '5', '6'],
    text: 'Show only actors in that state',
    run: (page, key) => {
      const state = PLUGIN_STATES[Number(key) - 1];
      if (state !== undefined) page.toggleState(state);
    },
  },
  {
    keys: ['?'],
    text: 'Show these keys',
    run: (page) => {
      page.isHelpOpen.value = true;
    },
  },
  { keys: ['Escape'], text: 'Back to live', run: (page) => page.lookAt(undefined) },
];

/** Runs the commands. Returns how to stop. */
export function listenToKeys(page: Page): () => void {
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target as HTMLElement;
    if (target.closest('dialog') !== null) return;
    if (target.matches('input, textarea, select')) {
      if (event.key === 'Escape') target.blur();
      // A slider and a box to tick take no letters.
      if (!target.matches('[type=range], [type=checkbox]') || event.key === ' ') return;
    }
    // On a button, Space is for the button.
    if (event.key === ' ' && target.closest('button, [role=tab], summary, a') !== null) return;
    const command = COMMANDS.find(({ keys }) => keys.includes(event.key));
    if (command === undefined) return;
    event.preventDefault();
    command.run(page, event.key);
  };
  addEventListener('keydown', onKeyDown);
  return () => removeEventListener('keydown', onKeyDown);
}
