import { useState } from 'preact/hooks';
import type { ControlAction } from '../../wire.ts';
import { Confirm } from '../shell/confirm.tsx';
import type { ActorState } from '../store/model.ts';
import { usePage } from '../store/page.ts';
import { act, mayAct } from './act.ts';

const ACTIONS: readonly { readonly action: ControlAction; readonly title: string; readonly effect: string }[] = [
  { action: 'load', title: 'Load', effect: 'Starts its worker. Other plugins may be evicted for it.' },
  { action: 'release', title: 'Release', effect: 'Frees its resources. Its next call gets them back.' },
  { action: 'restart', title: 'Restart', effect: 'Replaces its worker with a new one.' },
  { action: 'cancel', title: 'Cancel calls', effect: 'Ends its running and waiting calls with an error.' },
  { action: 'reset', title: 'Reset', effect: 'Clears its restart counters and starts its worker.' },
];

/** What can be done with a plugin, where the runtime allows it, and only in the present. Each is asked for twice. */
export function Control({ actor }: { readonly actor: ActorState }) {
  if (!mayAct(usePage()) || actor.machine !== 'plugin') return null;
  return <Actions plugin={actor.name} />;
}

function Actions({ plugin }: { readonly plugin: string }) {
  const page = usePage();
  const [asked, setAsked] = useState<ControlAction | undefined>(undefined);
  const chosen = ACTIONS.find(({ action }) => action === asked);
  return (
    <>
      <select
        class="small"
        aria-label={`Act on ${plugin}`}
        value=""
        onChange={(event) => {
          setAsked(event.currentTarget.value as ControlAction);
          event.currentTarget.value = '';
        }}
      >
        <option value="" disabled>
          Act …
        </option>
        {ACTIONS.map(({ action, title }) => (
          <option key={action} value={action}>
            {title}
          </option>
        ))}
      </select>
      <Confirm
        question={
          chosen && {
            title: (
              <>
                {chosen.title} <bdi>{plugin}</bdi>?
              </>
            ),
            effect: chosen.effect,
            yes: chosen.title,
            onYes: () => void act(page, { action: chosen.action, plugin }),
          }
        }
        onClose={() => setAsked(undefined)}
      />
    </>
  );
}
