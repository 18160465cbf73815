// The program that runs a Node plugin: reads the boot line, loads the plugin, listens, and says so in the handshake.
import type { Boot, Capability, Handshake, Health } from '../protocol.ts';
import { readBootLine } from './boot-line.ts';
import { CallTable } from './call-table.ts';
import { startControlThread } from './control.ts';
import { createControlAnswers } from './control-answers.ts';
import { describeError } from './describe-error.ts';
import { writeNow } from './descriptors.ts';
import { createFramedServer } from './framed-server.ts';
import { SERVER_OPTIONS, sendError } from './http-answers.ts';
import { listen } from './listen.ts';
import { type AnyPlugin, loadPlugin } from './load-plugin.ts';
import { exit, stringify } from './originals.ts';
import { PluginCalls } from './plugin-calls.ts';
import { createPluginRoutes } from './plugin-routes.ts';
import { createRequestGuard, type RequestGuard } from './request-guard.ts';
import { RunningCalls } from './running-calls.ts';

const { symlinkSync } = process.getBuiltinModule('node:fs');
const { createServer } = process.getBuiltinModule('node:http');
const { dirname } = process.getBuiltinModule('node:path');

/** The versions of the protocol that it speaks, the best first. */
const VERSIONS = [2, 1];
const SDK = 'node/0.1.0';
/** Room for calls that have been given up by the host but not yet by the plugin. */
const SPARE_SLOTS = 64;

const [STDIN, STDOUT, STDERR] = [0, 1, 2];

let subject = 'The plugin';
try {
  if (process.channel !== undefined) throw new Error('It was forked. This program is started by greenroom.');
  const lifeline = takeLifeline();
  const boot = readBootLine(lifeline);
  // Node leaves the file out of the stack of a syntax error.
  subject = `The plugin in ${boot.plugin.module}`;
  await run(boot, lifeline);
} catch (error) {
  // The cause comes last, because the last line of its output is what a dead worker is remembered by.
  const { type, message, stack } = describeError(error);
  if (type === 'SyntaxError' && isWithoutPlace(stack)) {
    writeNow(STDERR, `${subject} could not be started:\n`);
    process.removeAllListeners('uncaughtException');
    throw error;
  }
  const advice = installAdvice(message);
  writeNow(
    STDERR,
    `${stack ?? ''}\n${subject} could not be started: ${type}: ${message.replaceAll('\n', ' ')}\n${advice}`,
  );
  exit(1);
}

/** For a package that is not installed, a line with the command that installs it beside the file that imports it; else nothing. */
function installAdvice(message: string): string {
  const [, name, file] = /^Cannot find package '([^'/.][^']*)' imported from (.+)$/m.exec(message) ?? [];
  if (name === undefined || file === undefined) return '';
  return `To install it, run: npm install --prefix ${dirname(file)} ${name}\n`;
}

/**
 * Whether a stack says nothing of the code that could not be read, as that of an ES module: where it is, Node knows and
 * prints only when the error ends the process.
 */
function isWithoutPlace(stack = ''): boolean {
  return /^SyntaxError.*\n +at .*\(node:internal/.test(stack);
}

/**
 * The descriptor of the boot line, handshake and lifeline: the one that the argument names, else the standard streams. The argument
 * goes, as what a plugin forks from this program (`cluster`) is given the same ones and has no such descriptor.
 */
function takeLifeline(): number {
  return Number(process.argv.splice(2, 1)[0] ?? STDIN);
}

async function run(boot: Boot, lifeline: number): Promise<void> {
  const version = VERSIONS.find((known) => boot.protocol.includes(known));
  if (version === undefined) {
    throw new Error(`This worker speaks protocol ${VERSIONS.join(' and ')}, the host ${boot.protocol.join(', ')}.`);
  }
  // A terminal's Ctrl-C is for the host, which then ends its workers in order.
  process.on('SIGINT', () => {});

  const health: Health = { status: 'ok', pid: process.pid, nonce: boot.nonce, name: boot.plugin.name };
  const slots = boot.concurrency + SPARE_SLOTS;
  const table = new CallTable(slots);
  const running = new RunningCalls(table);
  const onCancel = running.abort.bind(running);
  const control = startControlThread({ boot, lifeline, health, slots, calls: table, onCancel });
  const plugin = await loadPlugin(boot.plugin);

  const answerControl = createControlAnswers({ health, calls: table, onCancel });
  const calls = new PluginCalls({ plugin, running, control });
  const answerPlugin = createPluginRoutes({ plugin, calls });
  let guard: RequestGuard;
  const server = createServer(SERVER_OPTIONS, (request, response) => {
    response.sendDate = false;
    const refusal = guard(request);
    if (refusal !== undefined) {
      sendError(response, { type: 'Refused', message: refusal.message, category: 'input' }, refusal.status);
      return;
    }
    if (isControl(request.url)) response.shouldKeepAlive = false;
    // HTTP/1.1 keeps a connection where nothing is said of it, and what is said would be read with every answer.
    else response.removeHeader('connection');
    if (!answerControl(request, response)) void answerPlugin(request, response);
  });
  const { address, host } = await listen(server, boot.listen);
  guard = createRequestGuard(boot.token, host);
  const frames = version === 2 ? await framesAddress(boot, calls) : undefined;
  shake(lifeline, {
    greenroom: version,
    nonce: boot.nonce,
    pid: process.pid,
    address,
    control: await controlAddress(boot, control),
    frames,
    sdk: SDK,
    capabilities: capabilitiesOf(plugin),
    concurrency: boot.concurrency,
  });
}

/** The control thread takes over what comes to its address, so no connection for it may stay with this thread. */
function isControl(url: string | undefined): boolean {
  return url === '/health' || url === '/cancel';
}

/**
 * Starting a thread takes as long as all the rest. So the control address is at first a second name of the main
 * thread's socket, and the thread moves its own there when it is up; calls wait for that. A port cannot be moved.
 */
async function controlAddress({ listen: where }: Boot, control: Promise<string>): Promise<string> {
  if ('tcp' in where) return control;
  try {
    symlinkSync(where.unix, where.control);
  } catch (error) {
    // The thread was faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return `unix:${where.control}`;
}

/** Starts to answer calls as frames, at a socket of their own; gives its address. */
async function framesAddress({ listen: where, token, nonce }: Boot, calls: PluginCalls): Promise<string> {
  const server = createFramedServer({ token, nonce, calls });
  return (await listen(server, 'tcp' in where ? where : { unix: where.frames })).address;
}

function capabilitiesOf(plugin: AnyPlugin): Capability[] {
  const capabilities: Capability[] = ['stream', 'cancel', 'progress', 'settle', 'tools', 'code'];
  if (plugin.release !== undefined) capabilities.push('release');
  if (plugin.cleanup !== undefined) capabilities.push('cleanup');
  return capabilities;
}

function shake(lifeline: number, handshake: Handshake): void {
  // What the plugin printed while it was loaded may not have ended its line.
  writeNow(lifeline === STDIN ? STDOUT : lifeline, `\n${stringify(handshake)}\n`);
}
