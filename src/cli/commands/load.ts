import { actAtDaemon } from '../act-at-daemon.ts';
import { parseJson } from '../call-input.ts';
import { defineCommand, SETTINGS_OPTIONS } from '../command.ts';

/** `greenroom load`: starts a plugin at the daemon. */
export const command = defineCommand({
  usage: 'load PLUGIN',
  about: 'Starts a plugin at the daemon, and ends when it is ready. The daemon keeps it loaded.',
  options: {
    config: { type: 'string', value: 'JSON', help: 'give it this config, also if it runs already' },
    ...SETTINGS_OPTIONS,
  },
  operands: [1, 1],
  examples: [
    ['greenroom load whisper', 'before the first call needs it'],
    [`greenroom load whisper --config '{"model":"small"}'`, 'with a config'],
  ],
  statuses: [0, 2, 3, 4, 5, 6, 7, 130],
  run({ values, operands: [plugin = ''], terminal }) {
    const config = values.config === undefined ? undefined : parseJson(values.config, 'config');
    return actAtDaemon(
      plugin,
      values,
      terminal,
      (daemon, signal) => daemon.load(plugin, { config, signal }),
      `"${plugin}" is loaded.`,
    );
  },
});
