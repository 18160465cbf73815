import { existsSync } from 'node:fs';
import { GreenroomError, messageOf } from '../../errors.ts';
import { followRecords, tailRecords, workerPrefix } from '../../logs/log-reader.ts';
import { pluginLogFile } from '../../logs/plugin-log-file.ts';
import { DAEMON_OPTIONS, defineCommand, SETTINGS_OPTIONS, settingsOf } from '../command.ts';
import { findListing } from '../listing.ts';
import { openDaemon } from '../open-daemon.ts';
import type { Style } from '../terminal/style.ts';
import { unknownPlugin } from '../unknown-plugin.ts';
import { UsageError } from '../usage-error.ts';

/** `greenroom logs`: the end of what a plugin's workers have printed, and what they print from now on. */
export const command = defineCommand({
  usage: 'logs PLUGIN',
  about: "Shows what a plugin's workers printed, and when they started and ended. Starts nothing.",
  options: {
    lines: { type: 'string', short: 'n', value: 'COUNT', help: 'how many of the last lines; default 100' },
    follow: { type: 'boolean', short: 'f', help: 'keep showing new lines until Ctrl-C' },
    ...DAEMON_OPTIONS,
    ...SETTINGS_OPTIONS,
  },
  operands: [1, 1],
  examples: [
    ['greenroom logs whisper', 'the last 100 lines'],
    ['greenroom logs whisper -n 0 -f', 'only what is new'],
    ['greenroom logs whisper --json', 'the records as they are: time, plugin, msg, stream'],
  ],
  statuses: [0, 2, 3, 4],
  async run({ values, operands: [plugin = ''], terminal }) {
    const lines = countOf(values.lines ?? '100');
    const daemon = await openDaemon(values, terminal);
    const { listing, dataDir } = await findListing(daemon, settingsOf(values));
    await daemon?.close();
    const entry = listing.plugins.find(({ name }) => name === plugin);
    const file = pluginLogFile(dataDir, plugin);
    // The log of a plugin that is gone may still be read; a name with slashes is none.
    if (entry === undefined && (/[/\\]/.test(plugin) || !existsSync(file))) {
      throw unknownPlugin(
        plugin,
        listing.plugins.map(({ name }) => name),
        values,
      );
    }
    const isNumbered = entry !== undefined && entry.instances.max > 1;
    const format = (record: string): string =>
      terminal.json ? record : formatRecord(record, isNumbered, terminal.out);
    try {
      if (values.follow === true) {
        for await (const record of followRecords(file, { lines, signal: terminal.left })) {
          await terminal.print(format(record));
        }
        return 0;
      }
      const records = await tailRecords(file, lines);
      for (const record of records) await terminal.print(format(record));
      if (records.length === 0 && lines > 0) terminal.note(`"${plugin}" has not printed anything yet.`);
      return 0;
    } catch (error) {
      throw new GreenroomError('E_DATA_DIR', `The log ${file} cannot be read: ${messageOf(error)}.`, { cause: error });
    }
  },
});

function countOf(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`--lines must be a number of lines, got "${text}".`);
}

/**
 * A record as a line for people: the local time, of several instances the number of the worker, then what was printed;
 * what Greenroom itself has to say is dim.
 */
function formatRecord(record: string, isNumbered: boolean, style: Style): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(record);
  } catch {
    // Half a record, of a host that was killed while it wrote: shown as it is.
    return record;
  }
  const { time, msg, stream, code, signal, ...rest } = (parsed ?? {}) as Record<string, unknown>;
  // Nothing that Greenroom has written.
  if (typeof msg !== 'string') return record;
  const at = new Date(String(time));
  const clock = Number.isNaN(at.getTime()) ? '' : at.toTimeString().slice(0, 8);
  const how = typeof signal === 'string' ? signal : `status ${JSON.stringify(code)}`;
  // How it ended stands before why.
  const [, what = msg, why = ''] = /^(worker ended)(: .*)$/s.exec(msg) ?? [];
  const text = code === undefined ? msg : `${what} (${how})${why}`;
  const worker = isNumbered ? style.cyan(workerPrefix(rest)) : '';
  return `${style.dim(clock)} ${worker}${stream === undefined ? style.dim(`· ${text}`) : text}`;
}
