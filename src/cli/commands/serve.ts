import type { Daemon } from '../../daemon/daemon.ts';
import { isLoopback, parseAddress, type TcpAddress } from '../../daemon/listen-address.ts';
import { keepYoungHeapSmall } from '../../daemon/young-heap.ts';
import { packageVersion } from '../../files/package-version.ts';
import { aborted } from '../aborted.ts';
import { defineCommand, SETTINGS_OPTIONS, settingsOf } from '../command.ts';
import { FLEET_OPTIONS, fleetOf } from '../fleet-options.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../usage-error.ts';

/** `greenroom serve`: a supervisor for every program on this machine, until SIGTERM. */
export const command = defineCommand({
  usage: 'serve',
  about:
    'Runs a supervisor for every program on this machine, until SIGTERM or Ctrl-C: other greenroom commands use it, and\nprograms of any language reach it over HTTP, on a socket that only you can open. One runs for each data directory.',
  options: {
    listen: {
      type: 'string',
      value: 'ADDRESS',
      help: 'listen on TCP too, such as 127.0.0.1:8484; needs the token there',
    },
    'allow-remote': { type: 'boolean', help: 'allow an address that other machines reach' },
    'allow-host': { type: 'string', multiple: true, value: 'NAME', help: 'answer to this name too; may be repeated' },
    'allow-origin': {
      type: 'string',
      multiple: true,
      value: 'ORIGIN',
      help: 'answer to pages of this origin too, such as https://ui.example; may be repeated',
    },
    inspect: {
      type: 'boolean',
      short: 'i',
      help: 'serve the inspector on the TCP address; default 127.0.0.1 and a free port',
    },
    'inspect-control': { type: 'boolean', help: 'let the inspector call plugins and act on them' },
    'inspect-no-payloads': { type: 'boolean', help: 'let the inspector keep no inputs and outputs of calls' },
    load: { type: 'boolean', short: 'l', help: 'load every plugin at once' },
    ...FLEET_OPTIONS,
    'end-when-idle': {
      type: 'string',
      value: 'SECONDS',
      help: 'end once nobody was connected and no plugin worked for so long',
    },
    replace: { type: 'boolean', help: 'have the daemon that runs end, and take over from it' },
    ...SETTINGS_OPTIONS,
  },
  operands: [0, 0],
  examples: [
    ['greenroom serve', 'for this user, on a socket alone'],
    ['greenroom serve --listen 127.0.0.1:8484 --inspect', 'also on TCP, with the inspector'],
    ['greenroom serve --fleet redis://10.0.0.5', 'share jobs with other machines'],
    ['greenroom serve --replace', 'the same with new settings or another version, after a drain'],
  ],
  statuses: [0, 2, 4, 5, 130],
  async run({ values, terminal }) {
    const inspect = values.inspect === true || values['inspect-control'] === true;
    const listen = listenOf(values.listen, inspect, values['allow-remote'] === true);
    if (listen === undefined && (values['allow-host'] ?? values['allow-origin']) !== undefined)
      throw new UsageError('--allow-host and --allow-origin are for TCP; give --listen too.');
    const idleEnd = secondsOf(values['end-when-idle']);
    const fleet = fleetOf(values, terminal);
    const letYoungHeapGrow = keepYoungHeapSmall();
    const { startDaemon } = await import('../../daemon/daemon.ts');
    const { announceSuccession, endDaemon } = await import('../../daemon/take-over.ts');
    const { takeTermination } = await import('../../daemon/termination.ts');
    const { openSupervisorLog } = await import('../../logs/supervisor-log.ts');
    const { resolveSettings } = await import('../../settings/resolve.ts');
    const settings = settingsOf(values);
    const { dataDir, logLevel } = resolveSettings(settings);
    const log = openSupervisorLog(logLevel);
    let daemon: Daemon | undefined;
    const succession = values.replace === true ? announceSuccession(dataDir) : undefined;
    const reload = async (): Promise<void> => daemon?.reload();
    const termination = takeTermination({ reload, kill: (status) => process.exit(status), log });
    try {
      if (fleet !== undefined) await requireFleetPackages();
      if (values.replace === true) {
        const former = await endDaemon(dataDir, termination.signal, succession);
        if (former !== undefined) terminal.note(`The daemon that ran, process ${former.pid}, has ended.`);
      }
      daemon = await startDaemon({
        settings,
        version: packageVersion(),
        listen,
        allowHosts: values['allow-host'],
        allowOrigins: values['allow-origin']?.map(originOf),
        inspect: inspect
          ? { control: values['inspect-control'] === true, payloads: values['inspect-no-payloads'] !== true }
          : undefined,
        fleet,
        log,
        idleEndMs: idleEnd === undefined ? undefined : idleEnd * 1_000,
        signal: termination.signal,
      });
      succession?.release();
      letYoungHeapGrow();
      await announce(daemon, listen, terminal);
      if (fleet !== undefined) await announceFleet(daemon, terminal);
      if (values.load === true) void daemon.supervisor.loadAll();
      await aborted(AbortSignal.any([termination.signal, daemon.asked]));
      if (process.stderr.isTTY) terminal.note('\nStopping. Press Ctrl-C again to end everything at once.');
      await daemon.stop();
      if (terminal.json) await terminal.printJson({ type: 'stopped' });
      // Its service manager asked it to end, and it did.
      if (termination.signal.aborted || !(daemon.asked.reason instanceof Error)) return 0;
      throw daemon.asked.reason;
    } catch (error) {
      if (!termination.signal.aborted) throw error;
      if (daemon === undefined) terminal.note('Interrupted: this daemon did not start.');
      return 0;
    } finally {
      await daemon?.stop();
      succession?.release();
      termination.release();
    }
  },
});

function listenOf(text: string | undefined, inspect: boolean, isRemoteAllowed: boolean): TcpAddress | undefined {
  if (text === undefined) return inspect ? { host: '127.0.0.1', port: 0 } : undefined;
  const address = parseAddress(text);
  if (address === undefined)
    throw new UsageError(
      `--listen must be an address and a port, such as 127.0.0.1:8484 or [::1]:8484, got "${text}".`,
    );
  if (!isLoopback(address) && !isRemoteAllowed)
    throw new UsageError(
      `Other machines reach ${text}. Anyone who has the token can run plugins here, and all of it is sent in the clear.`,
      'Listen on 127.0.0.1 behind a proxy with TLS, or add --allow-remote.',
    );
  return address;
}

function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(text) && Number(text) > 0) return Number(text);
  throw new UsageError(`--end-when-idle must be a number of seconds above 0, got "${text}".`);
}

function originOf(text: string): string {
  if (URL.canParse(text) && new URL(text).origin === text) return text;
  throw new UsageError(`--allow-origin must be an origin, such as https://ui.example, got "${text}".`);
}

async function announce(daemon: Daemon, listen: TcpAddress | undefined, terminal: Terminal): Promise<void> {
  const { supervisor, socket, url, inspectorUrl: inspector } = daemon;
  const plugins = supervisor.plugins().map(({ name }) => name);
  const { dataDir, searchPaths } = supervisor.status();
  if (terminal.json) {
    await terminal.printJson({ type: 'started', socket, url, inspector, dataDir, searchPaths, plugins });
  } else {
    const { bold } = terminal.out;
    await terminal.print(`${bold('Socket')}     ${socket}`);
    if (url !== undefined) await terminal.print(`${bold('Address')}    ${url}, with the token: greenroom token`);
    if (inspector !== undefined) await terminal.print(`${bold('Inspector')}  ${inspector}`);
    await terminal.print(`${bold('Plugins')}    ${plugins.length === 0 ? 'none yet' : plugins.join(', ')}`);
  }
  if (plugins.length === 0)
    terminal.note(`No plugins in ${searchPaths.join(', ')} yet. New manifests are picked up automatically.`);
  if (listen !== undefined && !isLoopback(listen))
    terminal.note(
      `${terminal.err.yellow('warning:')} Other machines reach ${url ?? ''}. Anyone who has the token can run plugins here, and all of it, the token too, is sent in the clear. Put a proxy with TLS before it.`,
    );
}

/** What is not installed does not come by itself, as a Redis may that cannot be reached yet. Rejects with `E_JOB_STORE`. */
async function requireFleetPackages(): Promise<void> {
  const { redisPeers } = await import('../../jobs/redis/redis-peers.ts');
  await redisPeers();
}

async function announceFleet({ node }: Daemon, terminal: Terminal): Promise<void> {
  if (node === undefined)
    terminal.note(
      `${terminal.err.yellow('warning:')} The fleet could not be joined; it is tried again every 5 s, and the log says why. Everything but jobs works.`,
    );
  else if (!terminal.json)
    await terminal.print(`${terminal.out.bold('Fleet')}      ${node.prefix} at ${node.address}, as ${node.name}`);
}
