import { isAbsolute, relative } from 'node:path';
import type { PluginState } from '../../machines/plugin.ts';
import { printable } from '../../text/printable.ts';
import { createProgressBar } from '../terminal/progress-bar.ts';
import { createStyle, type Style } from '../terminal/style.ts';
import { formatTable } from '../terminal/table.ts';
import { fitText } from '../terminal/text-width.ts';
import { wrapText } from '../terminal/wrap-text.ts';
import type { DemoEvent, Reporter, Summary } from './events.ts';
import { InstanceNumbers } from './instance-numbers.ts';
import { drawLanes, type Moment, type Shown, SIGNS } from './lanes.ts';
import { countOf, durationOf, sizeOf } from './words.ts';

/** How wide lines are where the output is no terminal. */
const PLAIN_COLUMNS = 100;

const NAME_COLUMNS = 16;

/** The states and what a person should know of each, as the legend has them. */
const LEGEND: readonly (readonly [Shown, string])[] = [
  ['discovered', 'no worker'],
  ['spawning', 'starting'],
  ['ready', 'ready'],
  ['busy', 'busy'],
  ['released', 'released'],
  ['crashed', 'crashed'],
  ['replaced', 'replaced'],
];

/** Shows events to people: a line each, a progress bar while something runs, lanes and figures at the end. */
export function terminalReporter(stream: NodeJS.WriteStream): Reporter {
  const style = createStyle(stream);
  const bar = createProgressBar(stream);
  const moments: Moment[] = [];
  const plugins: string[] = [];
  const numbers = new InstanceNumbers();
  let acts = 0;
  let root = '';
  let query = '';
  /** The plugin whose progress the bar shows: that of the act, else whichever reports. */
  let shown: string | undefined;
  let star: string | undefined;

  const columns = (): number => Math.max(40, stream.isTTY ? stream.columns || 80 : PLAIN_COLUMNS);
  const line = (text = ''): void => {
    bar.end();
    stream.write(`${stream.isTTY ? printable(text) : text}\n`);
  };
  /** A line of one plugin at one time. */
  const happened = (at: number, plugin: string, text: string): void => {
    const offset = `${(at / 1_000).toFixed(2)} s`.padStart(9);
    line(`${style.dim(offset)}  ${plugin.padEnd(NAME_COLUMNS)} ${text}`);
  };
  /** What fits beside the time and the name, less what else stands there. */
  const fit = (text: string, less = 0): string => fitText(text, columns() - NAME_COLUMNS - 13 - less);
  const paths = (path: string): string => (isAbsolute(path) ? relative(root, path) : path);

  return (event, at) => {
    switch (event.type) {
      case 'start': {
        root = event.root;
        line(style.bold('Greenroom makes a library of documents, with plugins in processes of their own.'));
        for (const text of wrapText(startOf(event), columns())) line(text);
        break;
      }
      case 'act':
        acts += 1;
        star = event.star;
        line();
        line(style.bold(`${acts}  ${event.title}`));
        for (const text of wrapText(event.why, columns() - 3)) line(`   ${style.dim(text)}`);
        break;
      case 'note':
        for (const text of wrapText(event.text, columns() - 11)) line(`${' '.repeat(11)}${text}`);
        break;
      case 'inspector':
        line(`${style.bold('Inspector')}  ${event.url}`);
        break;
      case 'plugin':
        plugins.push(event.plugin);
        happened(at, event.plugin, `${style.bold(event.worker.padEnd(8))}${fit(event.description, 8)}`);
        break;
      case 'transition': {
        moments.push({ lane: event.plugin, at, shown: event.to });
        if (event.from === event.to) break;
        const paint = colourOf(style, event.to);
        const pid = event.from === 'spawning' && event.to === 'ready' ? style.dim(`  pid ${event.pid}`) : '';
        happened(at, event.plugin, `${style.dim(`${event.from} →`)} ${paint(`${SIGNS[event.to]} ${event.to}`)}${pid}`);
        break;
      }
      case 'instance':
        showInstance(event, at);
        break;
      case 'replaced':
        moments.push({ lane: event.plugin, at, shown: 'replaced' });
        happened(
          at,
          event.plugin,
          `${style.yellow(`${SIGNS.replaced} another worker serves`)}${style.dim(`  pid ${event.former} → ${event.pid}`)}`,
        );
        break;
      case 'progress':
        if (event.plugin === star) shown = star;
        else shown ??= event.plugin;
        if (shown === event.plugin) bar.update(event.progress, `${event.plugin}: ${paths(event.message)}`);
        break;
      case 'killed':
        shown = undefined;
        happened(at, event.plugin, style.red(`kill -9 ${event.pid}${callOf(event.progress)}`));
        break;
      case 'program': {
        shown = undefined;
        const { did, pid, jobs, done } = event;
        const progress = `at ${done} of ${countOf(jobs, 'job')}`;
        const started = `a program begins ${progress}${style.dim(`  pid ${pid}`)}`;
        happened(at, 'index-jobs', did === 'start' ? started : style.red(`kill -9 ${pid} ${progress}`));
        break;
      }
      case 'restart':
        happened(
          at,
          event.plugin,
          `restart ${event.attempt} after ${durationOf(event.waitedMs)}${style.dim(`, drawn from up to ${durationOf(event.longestMs)}`)}`,
        );
        break;
      case 'decision':
        for (const [at, text] of event.lines.entries()) line(`   ${at === 0 ? text : style.dim(`  ${text}`)}`);
        break;
      case 'cancelled':
        shown = undefined;
        happened(at, event.plugin, style.yellow(`the caller cancels at ${percent(event.progress)}`));
        break;
      case 'edited':
        happened(at, event.plugin, style.yellow(`edit ${event.file}`));
        line(`${' '.repeat(NAME_COLUMNS + 12)}${style.dim(fit(event.change))}`);
        break;
      case 'error':
        // Whole: what a line has no place for is the cause.
        happened(at, event.plugin, style.red(event.code));
        for (const text of wrapText(event.message, columns() - NAME_COLUMNS - 13))
          line(`${' '.repeat(NAME_COLUMNS + 12)}${text}`);
        break;
      case 'result': {
        if (shown === event.plugin) shown = undefined;
        const took = durationOf(event.ms);
        happened(at, event.plugin, `${style.green(fit(event.text, took.length + 2))}  ${style.dim(took)}`);
        break;
      }
      case 'hit':
        if (query !== event.query) line(`   ${style.bold(`"${(query = event.query)}"`)}`);
        line(`     ${event.rank}  ${style.cyan(fitText(paths(event.path), columns() - 9))}`);
        line(`        ${marked(fitText(event.snippet, columns() - 9), style)}`);
        break;
      case 'pair': {
        const [first, second] = event.paths.map((path) => fitText(paths(path), columns() - 12));
        line(`   ${style.bold(percent(event.similarity, 1).padStart(6))}  ${first}`);
        line(`       ${style.dim('like')}  ${second}`);
        break;
      }
      case 'missing':
        happened(at, event.plugin, style.yellow('left out'));
        for (const text of wrapText([event.reason, event.remedy].join(' ').trim(), columns() - NAME_COLUMNS - 13))
          line(`${' '.repeat(NAME_COLUMNS + 12)}${text}`);
        break;
      case 'summary':
        showSummary(event);
        break;
    }
  };

  /** The first one starts and ends as the plugin does. */
  function showInstance(event: Extract<DemoEvent, { type: 'instance' }>, at: number): void {
    const { plugin, generation, from, to, phase } = event;
    const number = numbers.of(plugin, generation);
    moments.push({ lane: laneName(plugin, number), at, shown: to });
    // Until then its process is being stopped.
    if (phase === 'idle') numbers.free(plugin, generation);
    if (number === 1 || (from !== 'spawning' && (to === 'ready' || to === 'busy')) || from === to) return;
    const pid = from === 'spawning' && to !== 'discovered' ? style.dim(`  pid ${event.pid}`) : '';
    happened(
      at,
      plugin,
      `instance ${number} ${style.dim(`${from} →`)} ${colourOf(style, to)(`${SIGNS[to]} ${to}`)}${pid}`,
    );
  }

  /** The plugins, each with the instances of those that had several. */
  function lanes(): string[] {
    return plugins.flatMap((plugin) => {
      const most = numbers.most(plugin);
      return [plugin, ...Array.from({ length: most > 1 ? most : 0 }, (_, index) => laneName(plugin, index + 1))];
    });
  }

  function showSummary({ seconds, timings, left, status }: Summary): void {
    const counts = [
      countOf(left.processes, 'process', 'processes'),
      countOf(left.sockets, 'socket'),
      countOf(left.files, 'file'),
    ].join(', ');
    const clean = left.processes + left.sockets + left.files === 0;
    line(`${' '.repeat(11)}left behind: ${clean ? style.green(counts) : style.red(counts)}`);
    if (plugins.length > 0 && moments.length > 0) {
      line();
      line(style.bold('What each plugin did'));
      const paint = (what: Shown, signs: string): string => colourOf(style, what)(signs);
      for (const lane of drawLanes(lanes(), moments, seconds * 1_000, columns() - 4, paint)) line(`   ${lane}`);
      line();
      line(`   ${LEGEND.map(([what, text]) => `${paint(what, SIGNS[what])} ${text}`).join('   ')}`);
    }
    if (timings.length > 0) {
      line();
      line(style.bold('How long it took'));
      const rows = timings.map(({ what, ms, note }) => [what, durationOf(ms).padStart(9), style.dim(note)]);
      for (const row of formatTable(rows)) line(`   ${row}`);
    }
    line();
    const ending =
      status === 130 ? style.yellow('Interrupted') : status === 0 ? style.green('Done') : style.red('Failed');
    line(`${ending} after ${seconds.toFixed(1)} s. On documents of yours: greenroom demo FOLDER`);
  }
}

function laneName(plugin: string, instance: number): string {
  return `${plugin} ${instance}`;
}

function startOf({ files, bytes, leftOut, scanned, root }: Extract<DemoEvent, { type: 'start' }>): string {
  const taken = `${countOf(files, 'text file')} (${sizeOf(bytes)}) of ${root}`;
  if (leftOut === 0) return `${taken}.`;
  return `${taken}; ${scanned ? '' : 'at least '}${countOf(leftOut, 'more is', 'more are')} left out to keep it short.`;
}

function colourOf(style: Style, shown: PluginState | 'replaced'): (text: string) => string {
  switch (shown) {
    case 'ready':
      return style.green;
    case 'busy':
      return style.cyan;
    case 'crashed':
      return style.red;
    case 'spawning':
    case 'replaced':
      return style.yellow;
    case 'discovered':
    case 'released':
      return style.dim;
  }
}

function callOf(progress: number | undefined): string {
  return progress === undefined ? '' : ` at ${percent(progress)} of its call`;
}

function percent(fraction: number, digits = 0): string {
  return `${(fraction * 100).toFixed(digits)}%`;
}

/** A snippet with what was found, which stands in brackets, made bold. */
function marked(snippet: string, style: Style): string {
  // The last one may be cut.
  return snippet.replaceAll(/\[([^[\]…]*)(?:\]|(?=…$))/g, (_, found: string) => style.bold(found));
}
