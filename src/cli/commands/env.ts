import { DAEMON_OPTIONS, defineCommand, SETTINGS_OPTIONS } from '../command.ts';
import { UsageError } from '../usage-error.ts';

const ACTIONS = ['list', 'repair', 'remove'] as const;

/** `greenroom env`: the Python environments that are made for plugins. */
export const command = defineCommand({
  usage: 'env list | repair PLUGIN | remove PLUGIN',
  about:
    'Shows and changes the Python environments that are made for plugins whose manifests have "python". "repair" makes the\nenvironment of a plugin anew, and prints what the installer says. "remove" removes all environments of a plugin; the\nnext start makes one. An environment that a worker runs in is kept.',
  options: {
    old: { type: 'boolean', help: 'remove only those that the plugin does not use any more' },
    ...DAEMON_OPTIONS,
    ...SETTINGS_OPTIONS,
  },
  operands: [1, 2],
  examples: [
    ['greenroom env list', 'which environments there are, and how large'],
    ['greenroom env repair whisper', 'install its packages again'],
    ['greenroom env remove whisper --old', 'those of former requirements'],
  ],
  statuses: [0, 2, 3, 4, 5, 7, 130],
  async run({ values, operands: [given = '', plugin], terminal }) {
    const action = ACTIONS.find((name) => name === given);
    const hint = `It is "greenroom env list", "greenroom env repair PLUGIN" or "greenroom env remove PLUGIN".`;
    if (action === undefined) throw new UsageError(`Unknown argument "${given}".`, hint);
    if (action === 'list' && plugin !== undefined) throw new UsageError(`Unexpected argument: "${plugin}".`, hint);
    if (values.old === true && action !== 'remove') throw new UsageError('--old is for "remove" alone.', hint);
    const environments = await import('../environments.ts');
    if (action === 'list') return environments.listEnvironments(values, terminal);
    if (plugin === undefined) throw new UsageError(`Missing argument: name the plugin to ${action}.`, hint);
    return action === 'repair'
      ? environments.repairEnvironment(plugin, values, terminal)
      : environments.removeEnvironments(plugin, values, terminal);
  },
});
