import { messageOf } from '../../errors.ts';
import { onAbort } from '../../events/abort-watch.ts';
import type { Supervisor } from '../../runtime/supervisor.ts';
import { durationText } from '../../text/duration-text.ts';
import { type Keys, takeKeys } from '../terminal/keys.ts';
import type { Style } from '../terminal/style.ts';
import { openPage } from './open-page.ts';

/** What the keys of `greenroom dev` need. */
export interface DevKeysParts {
  readonly supervisor: Supervisor;
  readonly style: Style;
  /** Writes a line that stays. */
  say(line: string): void;
  /** Ends the command. */
  quit(): void;
}

/** The keys, as a line below the board tells them. */
export const KEYS_LINE = 'r reload · l logs · o open the inspector · q quit';

/** So many lines of each log are shown at first. */
const FIRST_LINES = 10;

/** Takes the keys of `greenroom dev` until what is returned is called; undefined where no terminal has any. */
export function takeDevKeys({ supervisor, style, say, quit }: DevKeysParts): (() => void) | undefined {
  const logs = new ShownLogs(supervisor, say, style);
  const keys: Keys = {
    r: () => void reloadAll(supervisor, say, style),
    l: () => logs.toggle(),
    o: () => void open(supervisor, say),
    q: quit,
  };
  const release = takeKeys(keys);
  return (
    release &&
    (() => {
      release();
      logs.close();
    })
  );
}

/** Replaces every worker that there is, and tries again what has failed. */
async function reloadAll(supervisor: Supervisor, say: (line: string) => void, style: Style): Promise<void> {
  const plugins = supervisor.plugins().filter(({ loaded, state }) => loaded || state === 'crashed');
  if (plugins.length === 0) say('Nothing to reload: no plugin is loaded.');
  await Promise.all(
    plugins.map(async ({ name }) => {
      const from = performance.now();
      try {
        await supervisor.reload(name);
        say(`${style.green('✓')} ${style.bold(name)} reloaded in ${durationText(performance.now() - from)}`);
      } catch (error) {
        say(`${style.red('✗')} ${style.bold(name)} was not reloaded: ${messageOf(error)}`);
      }
    }),
  );
}

async function open({ inspector }: Supervisor, say: (line: string) => void): Promise<void> {
  if (inspector === undefined) return;
  try {
    await openPage(inspector.url);
  } catch (error) {
    say(`The inspector was not opened: ${messageOf(error)}. Open its address, above, in a browser.`);
  }
}

/** The logs of the plugins that run, shown or not. */
class ShownLogs {
  readonly #supervisor: Supervisor;
  readonly #say: (line: string) => void;
  readonly #style: Style;
  /** Ends what is shown; undefined while nothing is. */
  #shown: AbortController | undefined;

  constructor(supervisor: Supervisor, say: (line: string) => void, style: Style) {
    this.#supervisor = supervisor;
    this.#say = say;
    this.#style = style;
  }

  toggle(): void {
    if (this.#shown !== undefined) {
      this.close();
      this.#say('Logs are no longer shown.');
      return;
    }
    this.#shown = new AbortController();
    const { signal } = this.#shown;
    this.#say('Logs of all plugins, until l is pressed again:');
    const followed = new Set<string>();
    const follow = (): void => {
      for (const { name, generation } of this.#supervisor.plugins()) {
        if (generation === 0 || followed.has(name)) continue;
        followed.add(name);
        void this.#follow(name, signal);
      }
    };
    follow();
    onAbort(signal, this.#supervisor.on('transition', follow));
  }

  close(): void {
    this.#shown?.abort();
    this.#shown = undefined;
  }

  async #follow(name: string, signal: AbortSignal): Promise<void> {
    try {
      for await (const line of this.#supervisor.logs(name, { lines: FIRST_LINES, follow: true, signal }))
        this.#say(`${this.#style.dim(`${name} |`)} ${line}`);
    } catch (error) {
      if (!signal.aborted) this.#say(`The log of ${name} cannot be read: ${messageOf(error)}`);
    }
  }
}
