import { printedJson } from '../../json/printed-json.ts';
import type { PluginSnapshot } from '../../runtime/plugin-snapshot.ts';
import type { Supervisor } from '../../runtime/supervisor.ts';
import { formatProblems } from '../problems.ts';
import type { Style } from '../terminal/style.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { fitText } from '../terminal/text-width.ts';
import { drawBoard } from './board.ts';
import { codeLine } from './code-line.ts';
import { InstanceNews } from './instance-news.ts';
import { crashLine, decisionNews, isNews, problemLines, solvedLine, transitionLine } from './news.ts';
import { Screen } from './screen.ts';

/** How often the times and the memory of a board are brought up to date, in milliseconds. */
const REFRESH_MS = 1_000;
/** A terminal is not drawn to more often than this, in milliseconds. */
const DRAW_EVERY_MS = 100;

/** What shows a supervisor. */
export interface Watch {
  /** Tells something in between. */
  say(line: string): void;
  /** Shows a line below the board; undefined where there is no board. */
  readonly hint: ((line: string) => void) | undefined;
  /** Shows it a last time, and no more. */
  leave(): void;
}

/** Shows a supervisor: JSON for programs, a board on a terminal, lines elsewhere. */
export function watch(supervisor: Supervisor, terminal: Terminal): Watch {
  if (terminal.json) return printJson(supervisor, terminal);
  return process.stdout.isTTY ? drawLive(supervisor, terminal) : printLines(supervisor, terminal);
}

function printJson(supervisor: Supervisor, terminal: Terminal): Watch {
  const print = (type: string, data: object): void => terminal.report(printedJson({ type, ...data }));
  const leave = all(
    supervisor.on('transition', (transition) => print('transition', transition)),
    supervisor.on('instance', (change) => print('instance', change)),
    supervisor.on('decision', (decision) => print('decision', decision)),
    supervisor.on('problem', (problems) => print('problem', { problems })),
    supervisor.on('code', (change) => print('code', change)),
    supervisor.onSolved((files) => print('solved', { files })),
  );
  return { say: () => {}, hint: undefined, leave };
}

function printLines(supervisor: Supervisor, terminal: Terminal): Watch {
  const { out, err } = terminal;
  const note = (line: string): void => terminal.note(line);
  const print = (line: string | undefined): void => {
    if (line !== undefined) terminal.report(line);
  };
  formatProblems(supervisor.problems(), err).forEach(note);
  const leave = all(
    supervisor.on('transition', (transition) => {
      if (isNews(transition)) print(transitionLine(transition, out));
    }),
    tellInstances(supervisor, print, out),
    supervisor.on('decision', (decision) => print(decisionNews(decision, out))),
    supervisor.on('problem', (problems) => problemLines(problems, supervisor.plugins(), err).forEach(note)),
    supervisor.onSolved((files) => files.forEach((file) => note(solvedLine(file, err)))),
    supervisor.on('code', (change) => print(codeLine(change, out))),
  );
  return { say: note, hint: undefined, leave };
}

/** Tells of more, fewer and lost instances until what is returned is called. */
function tellInstances(supervisor: Supervisor, say: (line: string) => void, style: Style): () => void {
  const find = (name: string): PluginSnapshot | undefined => supervisor.plugins().find((each) => each.name === name);
  const sight = {
    isCrashed: (plugin: string): boolean => find(plugin)?.state === 'crashed',
    isReplacing: (plugin: string): boolean => find(plugin)?.replacing === true,
  };
  const news = new InstanceNews(say, sight, style);
  return all(
    supervisor.on('instance', (change) => news.note(change)),
    () => news.close(),
  );
}

/** A board of all plugins, and above it, to stay, what is worth knowing afterwards. */
function drawLive(supervisor: Supervisor, { out }: Terminal): Watch {
  const screen = new Screen(process.stdout);
  const memory = new Map<string, number>();
  let { plugins } = supervisor.snapshot();
  let timer: NodeJS.Timeout | undefined;
  let hint: string | undefined;
  const draw = (): void => {
    timer = undefined;
    const below = hint === undefined ? [] : ['', out.dim(fitText(hint, screen.columns))];
    const rows = screen.rows - 1 - below.length;
    const board = drawBoard({ plugins, memory, now: Date.now() }, rows, screen.columns, out);
    screen.draw(plugins.length === 0 ? below : ['', ...board, ...below]);
  };
  const drawSoon = (): void => {
    timer ??= setTimeout(draw, DRAW_EVERY_MS);
  };
  const say = (line: string | undefined): void => {
    if (line === undefined) return;
    screen.say(line);
    drawSoon();
  };
  const measure = async (): Promise<void> => {
    await Promise.allSettled(
      plugins
        .filter(({ pid }) => pid !== undefined)
        .map(async ({ name }) => {
          const { memoryRssMb } = await supervisor.stats(name);
          if (memoryRssMb !== null) memory.set(name, memoryRssMb);
        }),
    );
  };
  let isMeasuring = false;
  const refresh = setInterval(() => {
    drawSoon();
    if (isMeasuring) return;
    isMeasuring = true;
    void measure().finally(() => (isMeasuring = false));
  }, REFRESH_MS);
  const crashes = new Map<string, number>();
  const stop = all(
    // The error is in the snapshot when the machine's step is complete.
    supervisor.on('transition', ({ plugin, to, phase, at }) => {
      if (to === 'crashed' && (phase === 'deciding' || phase === 'failed')) crashes.set(plugin, at);
    }),
    tellInstances(supervisor, say, out),
    supervisor.on('decision', (decision) => say(decisionNews(decision, out))),
    supervisor.on('problem', (problems) => problemLines(problems, plugins, out).forEach(say)),
    supervisor.onSolved((files) => files.forEach((file) => say(solvedLine(file, out)))),
    supervisor.on('code', (change) => say(codeLine(change, out))),
    supervisor.subscribe((snapshot) => {
      ({ plugins } = snapshot);
      for (const plugin of plugins) {
        const at = crashes.get(plugin.name);
        if (at !== undefined) say(crashLine(plugin, at, out));
      }
      crashes.clear();
      drawSoon();
    }),
    () => clearInterval(refresh),
    () => process.stdout.off('resize', drawSoon),
  );
  process.stdout.on('resize', drawSoon);
  formatProblems(supervisor.problems(), out).forEach(say);
  draw();
  return {
    say,
    hint: (line) => {
      hint = line;
      drawSoon();
    },
    leave() {
      stop();
      clearTimeout(timer);
      hint = undefined;
      draw();
    },
  };
}

function all(...ends: readonly (() => void)[]): () => void {
  return () => {
    for (const end of ends) end();
  };
}
