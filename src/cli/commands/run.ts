import { once } from 'node:events';
import { basename, dirname } from 'node:path';
import type { StreamOptions } from '../../calls/call-options.ts';
import { GreenroomError } from '../../errors.ts';
import { printedJson } from '../../json/printed-json.ts';
import type { ManifestProblem } from '../../manifest/manifest-problem.ts';
import type { LoadOptions } from '../../runtime/load-options.ts';
import { systemClock } from '../../time/clock.ts';
import { callInput, parseJson } from '../call-input.ts';
import { DAEMON_OPTIONS, defineCommand, INPUT_OPTIONS, SETTINGS_OPTIONS, settingsOf, type Values } from '../command.ts';
import { takeInterruption } from '../interruption.ts';
import { startSupervisor } from '../local-supervisor.ts';
import { openDaemon } from '../open-daemon.ts';
import { isError } from '../problems.ts';
import { reportError } from '../report-error.ts';
import { millisecondsOf } from '../seconds.ts';
import { displayPath } from '../terminal/display-path.ts';
import { createProgressBar } from '../terminal/progress-bar.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { unknownPlugin } from '../unknown-plugin.ts';

/** `greenroom run`: starts a plugin, calls it, prints the result, and stops it. */
export const command = defineCommand({
  usage: 'run PLUGIN [JSON]',
  about:
    'Starts a plugin, calls it, prints its result as JSON and stops it. A JSON object becomes the keyword arguments, an\narray the positional ones, any other value the only one; - reads the JSON from standard input. Ctrl-C cancels the\ncall; a second Ctrl-C kills the plugin. Bytes in a result are printed as base64.',
  options: {
    ...INPUT_OPTIONS,
    stream: { type: 'boolean', short: 's', help: 'print what the plugin streams, one line of JSON per item' },
    config: { type: 'string', value: 'JSON', help: 'start the plugin with this config' },
    timeout: { type: 'string', short: 't', value: 'SECONDS', help: 'give up after this time, including the start' },
    ...DAEMON_OPTIONS,
    ...SETTINGS_OPTIONS,
  },
  operands: [1, 2],
  examples: [
    [`greenroom run hello '{"name":"Ada"}'`, 'one call'],
    ['greenroom run hello --arg name=Ada --stream', 'its pieces as they come'],
    ['greenroom run files --tool read --arg path=notes.txt', 'one of its tools'],
    ['cat job.json | greenroom run whisper - --timeout 600', 'from standard input, for at most ten minutes'],
  ],
  statuses: [0, 1, 2, 3, 4, 5, 6, 7, 8, 130],
  async run({ values, operands: [plugin = '', json], terminal }) {
    const timeoutMs = values.timeout === undefined ? undefined : millisecondsOf('--timeout', values.timeout);
    const config = values.config === undefined ? undefined : parseJson(values.config, 'config');
    const input = await callInput(json, values.arg ?? []);
    const { tool, stream = false } = values;
    let end: (options?: { readonly timeoutMs: number }) => Promise<void> = async () => {};
    const interruption = takeInterruption(terminal, () => void end({ timeoutMs: 0 }));
    const { signal } = interruption;
    const request = { plugin, tool, input, config, timeoutMs, stream, signal, values };
    try {
      const daemon = await openDaemon(values, terminal);
      if (daemon === undefined) {
        const sayHowToKill = (): void => terminal.note('\nCancelling. Press Ctrl-C again to kill the plugin.');
        if (process.stderr.isTTY) signal.addEventListener('abort', sayHowToKill);
        const supervisor = await startSupervisor(settingsOf(values));
        end = (options) => supervisor.stop(options);
        supervisor.on('transition', ({ plugin: name, phase }) => {
          if (name === plugin && phase === 'installing')
            terminal.note(`Installing what "${plugin}" needs. Its output: greenroom logs ${plugin} --follow`);
        });
        await call(supervisor, request, terminal);
      } else {
        end = () => daemon.close();
        await call(daemon, request, terminal);
      }
      return 0;
    } catch (error) {
      if (interruption.status === undefined) throw error;
      if (terminal.json) await reportError(error, terminal);
      return interruption.status;
    } finally {
      await end();
      interruption.release();
    }
  },
});

type Soon<T> = T | Promise<T>;

/** What calls plugins: a supervisor of this program, or the daemon's. */
interface Caller {
  discover(): Promise<readonly { readonly name: string }[]>;
  problems(): Soon<readonly ManifestProblem[]>;
  load(name: string, options: LoadOptions): Promise<void>;
  tools(name: string): Promise<readonly { readonly name: string }[]>;
  execute(name: string, input: unknown, options: StreamOptions): Promise<unknown>;
  stream(name: string, input: unknown, options: StreamOptions): AsyncIterable<unknown>;
}

interface CallRequest {
  readonly plugin: string;
  readonly tool: string | undefined;
  readonly input: unknown;
  readonly config: unknown;
  readonly timeoutMs: number | undefined;
  readonly stream: boolean;
  readonly signal: AbortSignal;
  /** Where it was looked for. */
  readonly values: Values<typeof SETTINGS_OPTIONS>;
}

async function call(caller: Caller, request: CallRequest, terminal: Terminal): Promise<void> {
  try {
    await callPlugin(caller, request, terminal);
  } catch (error) {
    if (!(error instanceof GreenroomError) || error.code !== 'E_UNKNOWN_PLUGIN') throw error;
    await refuseUnknown(caller, request);
    await callPlugin(caller, request, terminal);
  }
}

async function callPlugin(caller: Caller, request: CallRequest, terminal: Terminal): Promise<void> {
  const { plugin, tool, input, stream } = request;
  const signal = AbortSignal.any([request.signal, terminal.left]);
  const timeoutMs = await prepare(caller, request, signal);
  // Lines of a stream and a bar would write over each other on one screen.
  const showsBar = !terminal.json && !(stream && process.stdout.isTTY);
  const bar = showsBar ? createProgressBar(process.stderr) : undefined;
  const options = {
    tool,
    signal,
    timeoutMs,
    onProgress: ({ progress, message }: { progress: number; message: string | undefined }) =>
      bar?.update(progress, message),
  };
  try {
    if (stream) {
      // The reader is whoever reads the output: a pager that is left open for an hour is no fault.
      const items = caller.stream(plugin, input, { ...options, streamIdleMs: Infinity });
      for await (const item of items) await terminal.print(printedJson(item));
    } else {
      const result = await caller.execute(plugin, input, options);
      bar?.end();
      await terminal.printJson(result);
    }
  } catch (error) {
    // Nobody reads any more, and so the call was called off: that is an end like any other.
    if (!terminal.left.aborted || request.signal.aborted) throw error;
  } finally {
    bar?.end();
  }
}

/** Readies the plugin for the call, by its config and its tool where they are given. Resolves to how much is left of the timeout. */
async function prepare(caller: Caller, request: CallRequest, signal: AbortSignal): Promise<number | undefined> {
  const { plugin, config, tool, timeoutMs } = request;
  if (config === undefined && tool === undefined) return timeoutMs;
  if (timeoutMs === undefined) {
    await makeReady(caller, request, signal);
    return undefined;
  }
  const began = performance.now();
  const deadline = new AbortController();
  const timer = systemClock.setTimeout(() => deadline.abort(), timeoutMs);
  const late = (cause?: unknown): GreenroomError =>
    new GreenroomError('E_TIMEOUT', `"${plugin}" was not ready within ${timeoutMs} ms.`, { plugin, cause });
  try {
    await makeReady(caller, request, AbortSignal.any([signal, deadline.signal]));
  } catch (error) {
    if (!deadline.signal.aborted || signal.aborted) throw error;
    throw late(error);
  } finally {
    systemClock.clearTimeout(timer);
  }
  if (deadline.signal.aborted && !signal.aborted) throw late();
  return Math.max(1, Math.ceil(timeoutMs - (performance.now() - began)));
}

async function makeReady(caller: Caller, { plugin, config, tool }: CallRequest, signal: AbortSignal): Promise<void> {
  if (config !== undefined) await caller.load(plugin, { config, signal });
  if (tool === undefined || signal.aborted) return;
  const learned = new AbortController();
  // What waits for a worker's word cannot be called off; the call, which can, says so.
  const aborted = once(signal, 'abort', { signal: learned.signal });
  try {
    await Promise.race([learnTool(caller, plugin, tool, signal), aborted]);
  } finally {
    learned.abort();
  }
}

/** Has the worker that will be called say its tools, so that an input that does not fit is refused before it is sent. */
async function learnTool(caller: Caller, plugin: string, tool: string, signal: AbortSignal): Promise<void> {
  const known = await caller.tools(plugin);
  if (!known.some(({ name }) => name === tool)) return;
  await caller.load(plugin, { signal });
  await caller.tools(plugin);
}

/** Says of a plugin that is not known whether its manifest is there, and what is wrong with it. */
async function refuseUnknown(caller: Caller, { plugin, values }: CallRequest): Promise<void> {
  // A daemon may not have seen yet what was just written.
  const names = (await caller.discover()).map(({ name }) => name);
  if (names.includes(plugin)) return;
  const broken = (await caller.problems()).filter((problem) => {
    const { file } = problem;
    return isError(problem) && [basename(file, '.json'), basename(dirname(file))].includes(plugin);
  });
  const [first] = broken;
  if (first === undefined) throw unknownPlugin(plugin, names, values);
  const reasons = broken.map(({ field = '', reason }) => (field === '' ? reason : `${field}: ${reason}`));
  throw new GreenroomError(
    'E_MANIFEST',
    `The manifest of "${plugin}", ${displayPath(first.file)}, is not valid: ${reasons.join('; ')}.`,
    { plugin },
  );
}
