import type { PluginState } from '../../wire.ts';
import { STATE_MARKS, stateColor } from '../palette.ts';

/** The shape of a state, in its colour. Actors that are no plugins have a dot. What it means is said beside it. */
export function Glyph({ state }: { readonly state: string }) {
  const mark = STATE_MARKS[state as PluginState] as (typeof STATE_MARKS)[PluginState] | undefined;
  return (
    <svg class="glyph" viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
      {mark === undefined ? (
        <circle cx="8" cy="8" r="3.5" class="glyph-dot" />
      ) : (
        <path d={mark.shape} fill-rule="evenodd" style={{ fill: stateColor(state as PluginState, 'ink') }} />
      )}
    </svg>
  );
}

/** A state in its colour, with its shape and its name. */
export function StateTag({ state, phase }: { readonly state: string; readonly phase: string }) {
  return (
    <span class={`tag tag-${state}`}>
      <Glyph state={state} />
      {state === '' ? 'unknown' : state}
      {phase !== '' && <span class="tag-phase">{phase}</span>}
    </span>
  );
}
