import { DATA_DIR_OPTIONS, defineCommand } from '../../command.ts';
import { pausing } from '../../jobs/pausing.ts';

/** `greenroom jobs pause`: takes no jobs of a plugin, or of any. */
export const command = defineCommand({
  usage: 'jobs pause [PLUGIN]',
  about:
    'Takes no jobs of a plugin, or of any, until they are resumed, also after the daemon has begun again. What runs goes on.',
  options: DATA_DIR_OPTIONS,
  operands: [0, 1],
  examples: [
    ['greenroom jobs pause', 'the machine is needed'],
    ['greenroom jobs pause whisper', 'those of one plugin'],
  ],
  statuses: [0, 2, 3, 4, 5, 6, 130],
  run: ({ values, operands: [plugin], terminal }) => pausing('pause', plugin, values, terminal),
});
