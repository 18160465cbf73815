import { durationText } from '../../text/duration-text.ts';
import { DEFAULT_TOOL, TOOL_NAME } from '../../tools/tool-name.ts';
import type { Alert } from '../wire.ts';
import { pluginId } from './actor-ids.ts';
import type { NewRecord } from './journal-entry.ts';

/** So many calls that have ended are remembered of each plugin, as one of them is the worst when those before no longer count. */
const MAX_ENDED = 100;
/** What is said of how long a call has run, in seconds: in steps, as each text is a record and moves what is being read. */
const STEPS_S = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800];
const HOUR_MS = 3_600_000;

/** A record of a call. */
type CallTold = Extract<NewRecord, { readonly kind: 'call' }>;

/** A slow call, as its last record tells of it. */
interface SlowCall extends Pick<CallTold, 'at' | 'call' | 'tool' | 'usualMs'> {
  readonly seq: number;
  readonly ranMs: number;
}

/** The slow calls of plugins: those that run, and of those that have ended the ones that may come to be the worst. */
export class SlowCalls {
  readonly #countsMs: number;
  readonly #running = new Map<string, Map<string, SlowCall>>();
  /** The latest last, and each ran for longer than those after it: the first is the worst. */
  readonly #ended = new Map<string, readonly SlowCall[]>();

  /** @param countsMs for how long one counts that has ended, in milliseconds */
  constructor(countsMs: number) {
    this.#countsMs = countsMs;
  }

  /** Whether there is a slow call of the plugin. */
  has(plugin: string): boolean {
    return this.#running.has(plugin) || this.#ended.has(plugin);
  }

  /** Notes a record of a call. Returns whether another call may be the worst by it. */
  note(plugin: string, seq: number, { at, call, tool, edge, slow, runMs: ranMs = 0, usualMs }: CallTold): boolean {
    const told = { at, call, tool, usualMs, seq, ranMs };
    if (edge === 'slow') {
      const running = this.#running.get(plugin) ?? new Map<string, SlowCall>();
      this.#running.set(plugin, running.set(call, told));
      return true;
    }
    if (slow !== true) return false;
    const running = this.#running.get(plugin);
    if (running?.delete(call) === true && running.size === 0) this.#running.delete(plugin);
    const ended = (this.#ended.get(plugin) ?? []).filter((each) => each.ranMs > ranMs);
    this.#ended.set(plugin, [...ended.slice(0, MAX_ENDED - 1), told]);
    return true;
  }

  /**
   * Of each plugin the call that has run for longest now, and of those that have ended the one that did.
   *
   * @param plugins those that there are, by their names
   */
  alerts(now: number, plugins: Pick<ReadonlyMap<string, unknown>, 'has'>): readonly Alert[] {
    const found: Alert[] = [];
    for (const [plugin, running] of this.#running) {
      const [longest] = [...running.values()].toSorted((a, b) => ranSince(a) - ranSince(b));
      if (longest === undefined || !plugins.has(plugin)) this.#running.delete(plugin);
      else found.push(alertOf(plugin, longest, `has run for over ${stepText(now - ranSince(longest))}`));
    }
    for (const [plugin, all] of this.#ended) {
      const ended = plugins.has(plugin) ? all.filter(({ at }) => now - at <= this.#countsMs) : [];
      const [worst] = ended;
      if (worst === undefined) this.#ended.delete(plugin);
      else {
        this.#ended.set(plugin, ended);
        found.push(alertOf(plugin, worst, `ran ${durationText(worst.ranMs)}`));
      }
    }
    return found;
  }
}

/** Since when a call that runs does so. */
const ranSince = ({ at, ranMs }: SlowCall): number => at - ranMs;

/** The last step that is not longer: `2 s`, `10 min`, `3 h`. */
function stepText(ms: number): string {
  if (ms >= HOUR_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  const seconds = STEPS_S.findLast((step) => step * 1_000 <= ms) ?? 1;
  return seconds < 60 ? `${seconds} s` : `${seconds / 60} min`;
}

function alertOf(plugin: string, { at, seq, call, tool = DEFAULT_TOOL, usualMs }: SlowCall, text: string): Alert {
  const usual = usualMs === undefined ? '' : `, usually ${usualMs < 1 ? 'under 1 ms' : durationText(usualMs)}`;
  return { kind: 'slow', actor: pluginId(plugin), at, seq, call, text: `${toolText(tool)} ${text}${usual}` };
}

/** A server of MCP names its tools in any script: one that is read from the right is to turn no other words around. */
function toolText(tool: string): string {
  return TOOL_NAME.test(tool) ? tool : `\u2068${tool.replaceAll(/[\u2066-\u2069]/g, '\ufffd')}\u2069`;
}
