import { DATA_DIR_OPTIONS, defineCommand } from '../../command.ts';
import { pausing } from '../../jobs/pausing.ts';

/** `greenroom jobs resume`: takes jobs again. */
export const command = defineCommand({
  usage: 'jobs resume [PLUGIN]',
  about: 'Takes jobs of a plugin, or of all, again.',
  options: DATA_DIR_OPTIONS,
  operands: [0, 1],
  examples: [['greenroom jobs resume', 'those of all plugins']],
  statuses: [0, 2, 3, 4, 5, 6, 130],
  run: ({ values, operands: [plugin], terminal }) => pausing('resume', plugin, values, terminal),
});
