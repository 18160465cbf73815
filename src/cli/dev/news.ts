import type { PluginSnapshot } from '../../runtime/plugin-snapshot.ts';
import type { TransitionEvent } from '../../runtime/supervisor-events.ts';
import type { Decision } from '../../scheduler/decision.ts';
import { decisionLine } from '../../scheduler/decision-text.ts';
import type { Style } from '../terminal/style.ts';
import { fitText } from '../terminal/text-width.ts';

/** Longer than this a message is cut; the inspector and the log have all of it. */
const MESSAGE_COLUMNS = 300;

/** A transition as a line: the time, the plugin, from where to where, and why. */
export function transitionLine({ plugin, from, to, phase, at, reason }: TransitionEvent, style: Style): string {
  const state = to === phase ? to : `${to} (${phase})`;
  const why = reason === undefined ? '' : `: ${fitText(reason, MESSAGE_COLUMNS)}`;
  return `${clock(at, style)} ${plugin}: ${from} → ${to === 'crashed' ? style.red(state) : state}${why}`;
}

/** Whether a transition is more than a call that begins or ends. */
export function isNews({ from, to, phase }: TransitionEvent): boolean {
  const serves = (state: string): boolean => state === 'ready' || state === 'busy';
  return !(serves(from) && serves(to) && (phase === 'ready' || phase === 'serving'));
}

/** A crash as a line, or that a plugin was given up for its memory, which is no crash. */
export function crashLine({ name, lastError }: PluginSnapshot, at: number, style: Style): string {
  const why = lastError === undefined ? '' : ` ${lastError.code}: ${fitText(lastError.message, MESSAGE_COLUMNS)}`;
  const what = lastError?.code === 'E_MEMORY' ? 'was given up' : 'crashed';
  return `${clock(at, style)} ${style.red('✖')} ${style.bold(name)} ${what}.${why}`;
}

/** A decision that evicts a plugin, has one wait or refuses it memory; undefined for others, which are no news. */
export function decisionNews(decision: Decision, style: Style): string | undefined {
  if (decision.outcome === 'grant') return undefined;
  return `${clock(decision.at, style)} ${style.yellow('⇄')} ${decisionLine(decision)}`;
}

function clock(at: number, style: Style): string {
  return style.dim(new Date(at).toTimeString().slice(0, 8));
}
