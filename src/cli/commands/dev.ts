import { aborted } from '../aborted.ts';
import { defineCommand, SETTINGS_OPTIONS, settingsOf } from '../command.ts';
import type { Dev } from '../dev/start-dev.ts';
import { takeInterruption } from '../interruption.ts';
import { portOf } from '../port.ts';

/** `greenroom dev`: a supervisor in the foreground, with its inspector, until Ctrl-C. */
export const command = defineCommand({
  usage: 'dev',
  about:
    'Runs a supervisor with its inspector until Ctrl-C, follows changes of manifests and code, and shows the state of the\nplugins: a table with keys on a terminal, otherwise one line per change. The address of the inspector contains a token: everyone who has\nit can see everything.',
  options: {
    load: { type: 'boolean', short: 'l', help: 'load every plugin at once, to see whether they start' },
    port: { type: 'string', short: 'p', value: 'PORT', help: 'serve the inspector on this port; default any free one' },
    'inspect-control': {
      type: 'boolean',
      help: 'let the inspector call, load, release, restart, cancel and reset plugins',
    },
    'inspect-no-payloads': { type: 'boolean', help: 'let the inspector keep no inputs and outputs of calls' },
    ...SETTINGS_OPTIONS,
  },
  operands: [0, 0],
  examples: [
    ['greenroom dev', 'watch the plugins of this folder'],
    ['greenroom dev --load --search-path ./plugins', 'start all plugins of a folder, and see which fail'],
    ['greenroom dev --json', 'every transition and decision, for a program'],
  ],
  statuses: [0, 2, 4, 130],
  async run({ values, terminal }) {
    const inspect = {
      port: portOf(values.port),
      control: values['inspect-control'] === true,
      payloads: values['inspect-no-payloads'] !== true,
    };
    const { startDev } = await import('../dev/start-dev.ts');
    const { watch } = await import('../dev/watch.ts');
    const { KEYS_LINE, takeDevKeys } = await import('../dev/dev-keys.ts');
    let dev: Dev | undefined;
    let releaseKeys: (() => void) | undefined;
    const interruption = takeInterruption(terminal, () => void dev?.supervisor.stop({ timeoutMs: 0 }));
    try {
      dev = await startDev(settingsOf(values), inspect, terminal, interruption.signal);
      const { supervisor } = dev;
      const { inspector } = supervisor;
      const plugins = supervisor.plugins().map(({ name }) => name);
      if (terminal.json) await terminal.printJson({ type: 'started', inspector: inspector?.url, plugins });
      else await terminal.print(`${terminal.out.bold('Inspector')}  ${inspector?.url ?? ''}`);
      const searchPaths = supervisor.status().searchPaths.join(', ');
      if (plugins.length === 0)
        terminal.note(`No plugins in ${searchPaths} yet. New manifests are picked up automatically.`);
      const { say, hint, leave } = watch(supervisor, terminal);
      const quit = new AbortController();
      if (hint !== undefined) {
        releaseKeys = takeDevKeys({ supervisor, style: terminal.out, say, quit: () => quit.abort() });
        if (releaseKeys !== undefined) hint(KEYS_LINE);
      }
      if (values.load === true) void supervisor.loadAll();
      await aborted(AbortSignal.any([interruption.signal, terminal.left, dev.asked, quit.signal]));
      if (process.stderr.isTTY) say('Stopping. Press Ctrl-C again to kill the plugins.');
      await dev.stop();
      leave();
      if (terminal.json) await terminal.printJson({ type: 'stopped' });
      return interruption.status ?? 0;
    } finally {
      await dev?.stop();
      releaseKeys?.();
      interruption.release();
    }
  },
});
