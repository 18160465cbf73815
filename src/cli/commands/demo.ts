import { defineCommand } from '../command.ts';
import { takeInterruption } from '../interruption.ts';

/** `greenroom demo`: the main job on the user's own files. */
export const command = defineCommand({
  usage: 'demo [FILE OR FOLDER]',
  about: 'Has plugins in several languages work on a file or a folder of yours, and shows what they do and find.',
  options: {
    inspect: { type: 'boolean', short: 'i', help: 'serve the inspector, also when the demo is over, until Ctrl-C' },
  },
  operands: [0, 1],
  examples: [
    ['greenroom demo', 'on files that come with Greenroom'],
    ['greenroom demo --inspect', 'and watch it in the browser'],
    ['greenroom demo ~/Music', 'on a folder of yours; nothing in it is changed'],
  ],
  statuses: [0, 1, 2, 4, 5, 130],
  async run({ values, operands: [folder], terminal }) {
    const { json, left } = terminal;
    const { demo } = await import('../demo/demo.ts');
    const interruption = takeInterruption(terminal, () => process.exit(interruption.status));
    try {
      const status = await demo({
        folder,
        json,
        inspect: values.inspect === true,
        signal: AbortSignal.any([interruption.signal, left]),
      });
      // That nobody reads any more is an end like any other.
      return interruption.status ?? (left.aborted ? 0 : status);
    } finally {
      interruption.release();
    }
  },
});
