import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const loads: (() => Promise<unknown>)[] = [];

/** Loads what was not shown yet, for the runtime that gives it may end. */
export function loadRest(): void {
  for (const load of loads) load().catch(() => {});
}

/** A component that is loaded when it is first shown, so that the page itself is small and there at once. */
export function lazy<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  what: string,
): ComponentType<Props> {
  loads.push(load);
  let loaded: ComponentType<Props> | undefined;
  return function Lazy(props: Props) {
    const [, setState] = useState<'loading' | 'loaded' | 'failed'>('loading');
    const [error, setError] = useState('');
    useEffect(() => {
      if (loaded !== undefined) return undefined;
      let isWanted = true;
      load().then(
        (component) => {
          loaded = component;
          if (isWanted) setState('loaded');
        },
        (reason: unknown) => isWanted && setError(String(reason)),
      );
      return () => {
        isWanted = false;
      };
    }, []);
    if (error !== '')
      return (
        <p class="loading" role="alert">
          {what} could not be loaded. Reload the page. {error}
        </p>
      );
    const Loaded = loaded;
    return Loaded === undefined ? <p class="loading muted">{what} …</p> : <Loaded {...props} />;
  };
}
