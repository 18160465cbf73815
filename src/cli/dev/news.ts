import type { ManifestProblem } from '../../manifest/manifest-problem.ts';
import type { PluginSnapshot } from '../../runtime/plugin-snapshot.ts';
import type { TransitionEvent } from '../../runtime/supervisor-events.ts';
import type { Decision } from '../../scheduler/decision.ts';
import { decisionLine } from '../../scheduler/decision-text.ts';
import { formatProblems, isError } from '../problems.ts';
import { displayPath } from '../terminal/display-path.ts';
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

/** How many instances of a plugin take calls, where that has changed. */
export function instancesLine(
  {
    plugin,
    from,
    to,
    at,
  }: { readonly plugin: string; readonly from: number; readonly to: number; readonly at: number },
  style: Style,
): string {
  return `${clock(at, style)} ${style.green(to > from ? '▲' : '▼')} ${style.bold(plugin)}: ${from} → ${to} instances`;
}

/** Instances of a plugin that were lost while others serve. */
export interface Loss {
  readonly plugin: string;
  readonly lost: readonly number[];
  /** How many take calls now. */
  readonly left: number;
  /** Why the last of them was lost. */
  readonly reason: string | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** That instances were lost, as a line. */
export function lossLine({ plugin, lost, left, reason, at }: Loss, style: Style): string {
  const which = `${lost.length === 1 ? 'instance' : 'instances'} ${lost.map((each) => `#${each}`).join(', ')}`;
  const why = reason === undefined ? '' : ` ${fitText(reason, MESSAGE_COLUMNS)}`;
  return `${clock(at, style)} ${style.red('✖')} ${style.bold(plugin)} lost ${which}; ${left} serving.${why}`;
}

/** A decision that evicts a plugin, has one wait or refuses it memory; undefined for others, which are no news. */
export function decisionNews(decision: Decision, style: Style): string | undefined {
  if (decision.outcome === 'grant') return undefined;
  return `${clock(decision.at, style)} ${style.yellow('⇄')} ${decisionLine(decision)}`;
}

/** The problems of manifests as lines; of one whose plugin there is, that the plugin stays as it was. */
export function problemLines(
  problems: readonly ManifestProblem[],
  plugins: readonly Pick<PluginSnapshot, 'name' | 'manifestPath'>[],
  style: Style,
): string[] {
  const broken = new Set(problems.filter(isError).map(({ file }) => file));
  const kept = plugins.filter(({ manifestPath }) => broken.has(manifestPath));
  return [
    ...formatProblems(problems, style),
    ...kept.map(({ name }) => `  The former manifest of ${style.bold(name)} stays in force until this one is valid.`),
  ];
}

/** That a manifest which could not be used can be again, as a line. */
export function solvedLine(file: string, style: Style): string {
  return `${style.green('✓')} ${displayPath(file)} is valid again.`;
}

function clock(at: number, style: Style): string {
  return style.dim(new Date(at).toTimeString().slice(0, 8));
}
