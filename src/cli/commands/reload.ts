import { actAtDaemon } from '../act-at-daemon.ts';
import { parseJson } from '../call-input.ts';
import { defineCommand, SETTINGS_OPTIONS } from '../command.ts';

/** `greenroom reload`: a new worker in place of the one that a plugin has at the daemon. */
export const command = defineCommand({
  usage: 'reload PLUGIN',
  about:
    'Starts a new worker of a plugin at the daemon, has it take the place of the old one without a gap, and ends when it\nis ready. A plugin that is not loaded is loaded.',
  options: {
    config: { type: 'string', value: 'JSON', help: 'start the new worker with this config' },
    ...SETTINGS_OPTIONS,
  },
  operands: [1, 1],
  examples: [['greenroom reload whisper', 'after a change of its code']],
  statuses: [0, 2, 3, 4, 5, 6, 7, 130],
  run({ values, operands: [plugin = ''], terminal }) {
    const config = values.config === undefined ? undefined : parseJson(values.config, 'config');
    return actAtDaemon(
      plugin,
      values,
      terminal,
      (daemon, signal) => daemon.reload(plugin, { config, signal }),
      `"${plugin}" is reloaded.`,
    );
  },
});
