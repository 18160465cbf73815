import { setTimeout as delay } from 'node:timers/promises';
import { defineCommand, SETTINGS_OPTIONS } from '../command.ts';
import { Screen } from '../dev/screen.ts';
import { takeInterruption } from '../interruption.ts';
import { requireDaemon } from '../open-daemon.ts';
import { drawRunning, findRunning } from '../running.ts';
import { command as ps } from './ps.ts';

/** How often it is drawn anew, in milliseconds. */
const REFRESH_MS = 1_000;

/** `greenroom top`: `ps` that stays up to date. */
export const command = defineCommand({
  usage: 'top',
  about:
    'Shows what runs at the daemon, as "greenroom ps" does, and brings it up to date every second until Ctrl-C. Prints it\nonce where the output is no terminal, and with --json.',
  options: {
    all: { type: 'boolean', short: 'a', help: 'show the plugins that do not run too' },
    ...SETTINGS_OPTIONS,
  },
  operands: [0, 0],
  examples: [['greenroom top', 'watch what runs']],
  statuses: [0, 2, 4, 6, 130],
  async run(invocation) {
    const { values, terminal } = invocation;
    if (terminal.json || !process.stdout.isTTY) return ps.run(invocation);
    const client = await requireDaemon(values, terminal);
    const interruption = takeInterruption(terminal, () => process.exit(interruption.status));
    const over = AbortSignal.any([interruption.signal, terminal.left]);
    const screen = new Screen(process.stdout);
    try {
      const { dataDir } = await client.status();
      while (!over.aborted) {
        const running = await findRunning(client, dataDir, values.all === true);
        const lines = drawRunning(running, screen.rows, screen.columns, terminal.out);
        screen.draw(running.plugins.length === 0 ? [...lines, 'No plugin runs.'] : lines);
        await delay(REFRESH_MS, undefined, { signal: over }).catch(() => {});
      }
      return interruption.status ?? 0;
    } finally {
      await client.close();
      interruption.release();
    }
  },
});
