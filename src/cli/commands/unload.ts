import { actAtDaemon } from '../act-at-daemon.ts';
import { defineCommand, SETTINGS_OPTIONS } from '../command.ts';

/** `greenroom unload`: ends the workers of a plugin at the daemon. */
export const command = defineCommand({
  usage: 'unload PLUGIN',
  about: 'Ends the workers of a plugin at the daemon after their calls. The next call starts it again.',
  options: SETTINGS_OPTIONS,
  operands: [1, 1],
  examples: [['greenroom unload whisper', 'to have its memory back']],
  statuses: [0, 2, 3, 6, 7, 130],
  run({ values, operands: [plugin = ''], terminal }) {
    return actAtDaemon(plugin, values, terminal, (daemon) => daemon.unload(plugin), `"${plugin}" is unloaded.`);
  },
});
