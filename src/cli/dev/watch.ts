import { printedJson } from '../../json/printed-json.ts';
import type { ManifestProblem } from '../../manifest/manifest-problem.ts';
import type { PluginSnapshot } from '../../runtime/plugin-snapshot.ts';
import type { Supervisor } from '../../runtime/supervisor.ts';
import { formatProblems } from '../problems.ts';
import type { Style } from '../terminal/style.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { fitText } from '../terminal/text-width.ts';
import { drawBoard } from './board.ts';
import { codeLine } from './code-line.ts';
import { InstanceNews } from './instance-news.ts';
import { crashLine, decisionNews, isNews, transitionLine } from './news.ts';
import { Screen } from './screen.ts';

/** How often the times and the memory of a board are brought up to date, in milliseconds. */
const REFRESH_MS = 1_000;
/** A terminal is not drawn to more often than this, in milliseconds. */
const DRAW_EVERY_MS = 100;

/** What is shown of a supervisor. */
export interface Watch {
  /** Writes a line that stays; undefined where nothing is drawn. */
  readonly say: ((line: string) => void) | undefined;
  /** Shows a line below the board. */
  hint(line: string): void;
  /** Shows nothing more. */
  leave(): void;
}

/** Shows a supervisor until it is left: JSON for programs, a board on a terminal, lines elsewhere. */
export function watch(supervisor: Supervisor, terminal: Terminal): Watch {
  if (!terminal.json && process.stdout.isTTY) return drawLive(supervisor, terminal);
  const leave = terminal.json ? printJson(supervisor, terminal) : printLines(supervisor, terminal);
  return { say: undefined, hint: () => {}, leave };
}

function printJson(supervisor: Supervisor, terminal: Terminal): () => void {
  const print = (type: string, data: object): void => terminal.report(printedJson({ type, ...data }));
  return all(
    supervisor.on('transition', (transition) => print('transition', transition)),
    supervisor.on('instance', (change) => print('instance', change)),
    supervisor.on('decision', (decision) => print('decision', decision)),
    supervisor.on('problem', (problems) => print('problem', { problems })),
    supervisor.on('code', (change) => print('code', change)),
  );
}

function printLines(supervisor: Supervisor, terminal: Terminal): () => void {
  const { out } = terminal;
  const print = (line: string | undefined): void => {
    if (line !== undefined) terminal.report(line);
  };
  printProblems(supervisor.problems(), terminal);
  return all(
    supervisor.on('transition', (transition) => {
      if (isNews(transition)) print(transitionLine(transition, out));
    }),
    tellInstances(supervisor, print, out),
    supervisor.on('decision', (decision) => print(decisionNews(decision, out))),
    supervisor.on('problem', (problems) => printProblems(problems, terminal)),
    supervisor.on('code', (change) => print(codeLine(change, out))),
  );
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

function printProblems(problems: readonly ManifestProblem[], terminal: Terminal): void {
  for (const line of formatProblems(problems, terminal.err)) terminal.note(line);
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
    screen.draw(['', ...drawBoard({ plugins, memory, now: Date.now() }, rows, screen.columns, out), ...below]);
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
    supervisor.on('problem', (problems) => formatProblems(problems, out).forEach(say)),
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
    leave: () => {
      stop();
      clearTimeout(timer);
      hint = undefined;
      draw();
      clearTimeout(timer);
    },
  };
}

function all(...ends: readonly (() => void)[]): () => void {
  return () => {
    for (const end of ends) end();
  };
}
