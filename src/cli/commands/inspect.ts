import { defineCommand } from '../command.ts';
import { takeInterruption } from '../interruption.ts';
import { portOf } from '../port.ts';

/** `greenroom inspect`: a recorded session in the inspector, until Ctrl-C. */
export const command = defineCommand({
  usage: 'inspect FILE',
  about:
    'Opens a session file in the inspector: one exported from its page, or recorded with `supervisor.inspector.record`.\nStarts no plugins; serves the page until Ctrl-C.',
  options: {
    port: { type: 'string', short: 'p', value: 'PORT', help: 'serve the page on this port; default any free one' },
  },
  operands: [1, 1],
  examples: [['greenroom inspect session.ndjson', 'look at what happened']],
  statuses: [0, 2, 4, 130],
  async run({ values, operands: [file = ''], terminal }) {
    const { openSession } = await import('../../inspector/server/session-api.ts');
    const session = await openSession(file, portOf(values.port));
    const interruption = takeInterruption(terminal, () => process.exit(interruption.status));
    // The server alone does not keep the program alive.
    const hold = setInterval(() => {}, 2 ** 30);
    try {
      const { url, at } = session;
      if (terminal.json) await terminal.printJson({ url, at });
      else {
        await terminal.print(`${terminal.out.bold('Inspector')}  ${url}`);
        terminal.note(`Session of ${new Date(at).toLocaleString()}. Press Ctrl-C to stop.`);
      }
      const over = AbortSignal.any([interruption.signal, terminal.left]);
      await new Promise<void>((resolve) => over.addEventListener('abort', () => resolve(), { once: true }));
      return interruption.status ?? 0;
    } finally {
      clearInterval(hold);
      await session.close();
      interruption.release();
    }
  },
});
