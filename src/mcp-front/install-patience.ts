import { onAbort } from '../events/abort-watch.ts';
import type { FrontPlugin } from '../mcp/front-plugin.ts';
import type { JsonObject } from '../mcp/json-rpc.ts';
import { durationText } from '../text/duration-text.ts';
import { errorText } from './call-failure.ts';

/** How long a call waits for the installation of a package, in milliseconds. Clients give up a call after 60 s, most of them. */
const PATIENCE_MS = 20_000;

/**
 * Runs a call, and answers in its place, by a text for the model, once it has waited for 20 s while the package of its
 * plugin is installed: that may take longer than a client waits. The call is then given up, and the installation goes on.
 */
export function callWhileInstalled(
  plugin: Pick<FrontPlugin, 'name' | 'installing'>,
  signal: AbortSignal,
  call: (signal: AbortSignal) => Promise<JsonObject>,
): Promise<JsonObject> {
  if (plugin.installing === undefined) return call(signal);
  const begun = performance.now();
  const given = new AbortController();
  const stop = onAbort(signal, () => given.abort(signal.reason));
  if (signal.aborted) given.abort(signal.reason);
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const installing = plugin.installing?.();
      const waitedMs = Math.min(installing?.forMs ?? 0, performance.now() - begun);
      if (installing === undefined || waitedMs < PATIENCE_MS) {
        timer = setTimeout(look, PATIENCE_MS - waitedMs).unref();
        return;
      }
      const { spec, forMs } = installing;
      const text = `"${plugin.name}" is being installed (${spec}, ${durationText(forMs)} so far). Call again in a minute.`;
      resolve(errorText(text));
      given.abort();
    };
    let timer = setTimeout(look, PATIENCE_MS).unref();
    call(given.signal)
      .then(resolve, reject)
      .finally(() => {
        clearTimeout(timer);
        stop();
      });
  });
}
