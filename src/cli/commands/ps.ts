import { defineCommand, SETTINGS_OPTIONS } from '../command.ts';
import { findDaemonClient } from '../open-daemon.ts';
import { drawRunning, failureLines, findRunning, plainRunning } from '../running.ts';

/** A column for names that may have any length, where the output is no terminal. */
const WIDE_COLUMNS = 200;

/** `greenroom ps`: what runs at the daemon, and which programs have supervisors of their own. */
export const command = defineCommand({
  usage: 'ps',
  about:
    'Shows what runs: the plugins of the daemon that have workers, wait for one or have failed, and programs that have a\nsupervisor of their own on the same data directory.',
  options: {
    all: { type: 'boolean', short: 'a', help: 'show the plugins that do not run too' },
    ...SETTINGS_OPTIONS,
  },
  operands: [0, 0],
  examples: [
    ['greenroom ps', 'what runs now'],
    ['greenroom ps --json', 'the same for a program'],
  ],
  statuses: [0, 2, 4, 6],
  async run({ values, terminal }) {
    const { client, dataDir } = await findDaemonClient(values, terminal);
    try {
      const running = await findRunning(client, dataDir, values.all === true);
      if (terminal.json) {
        await terminal.printJson(plainRunning(running));
        return 0;
      }
      const columns = process.stdout.isTTY ? (process.stdout.columns || 80) - 1 : WIDE_COLUMNS;
      const lines = drawRunning(running, Infinity, columns, terminal.out);
      if (lines.length > 0) await terminal.print(lines.join('\n'));
      for (const line of failureLines(running)) await terminal.print(`\n${line}`);
      if (running.daemon === undefined)
        terminal.note(`No daemon runs for the data directory ${dataDir}. Start one: greenroom serve`);
      else if (running.plugins.length === 0) terminal.note('No plugin runs.');
      return 0;
    } finally {
      await client?.close();
    }
  },
});
