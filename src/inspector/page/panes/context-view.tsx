import { Empty } from '../shell/empty.tsx';
import { jsonText } from '../store/format.ts';
import type { ActorState } from '../store/model.ts';

/** What of the supervisor's the strip shows. */
const IN_STRIP = ['alerts', 'moreAlerts'];

/** What an actor's machine remembers; what its last step has changed is marked, with what it was before. */
export function ContextView({ actor: { context, change } }: { readonly actor: ActorState }) {
  const keys = Object.keys({ ...context, ...change }).filter((key) => !IN_STRIP.includes(key));
  if (keys.length === 0) return <Empty title="No context to show" />;
  return (
    <dl class="facts">
      {keys.map((key) => {
        const sides = change?.[key];
        const value = jsonText(context[key]);
        return (
          <div key={key} data-key={key} data-changed={sides !== undefined}>
            <dt>
              {sides !== undefined && (
                <span class="changed" role="img" aria-label="changed" title="Changed by its last step">
                  Δ
                </span>
              )}
              {key}
            </dt>
            <dd>
              {sides !== undefined && (
                <>
                  <del>
                    <bdi>{jsonText(sides.before)}</bdi>
                  </del>{' '}
                  <span aria-hidden="true">→</span>{' '}
                </>
              )}
              {sides === undefined ? (
                <bdi>{value}</bdi>
              ) : (
                <ins>
                  <bdi>{value}</bdi>
                </ins>
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
