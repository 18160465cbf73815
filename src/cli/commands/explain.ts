import { GreenroomError, messageOf } from '../../errors.ts';
import { tailRecords } from '../../logs/log-reader.ts';
import { pluginLogFile } from '../../logs/plugin-log-file.ts';
import type { Decision } from '../../scheduler/decision.ts';
import { decisionText } from '../../scheduler/decision-text.ts';
import { oneLine } from '../../text/printable.ts';
import { DAEMON_OPTIONS, defineCommand, SETTINGS_OPTIONS, settingsOf } from '../command.ts';
import { findListing } from '../listing.ts';
import { openDaemon } from '../open-daemon.ts';
import type { Style } from '../terminal/style.ts';
import { unknownPlugin } from '../unknown-plugin.ts';

/** How far back decisions are looked for, in lines of the log. */
const LINES = 20_000;

/** `greenroom explain`: what was last decided about a plugin's memory, and on what. */
export const command = defineCommand({
  usage: 'explain PLUGIN',
  about:
    'Explains why a plugin runs, waits, was refused or was evicted: what it needs, what was free, which plugins were\nconsidered for eviction, and which plugins it waits for. Reads the log of the plugin; starts nothing.',
  options: { ...DAEMON_OPTIONS, ...SETTINGS_OPTIONS },
  operands: [1, 1],
  examples: [
    ['greenroom explain whisper', 'the last decision about it, and its last eviction'],
    ['greenroom explain whisper --json', 'the same for a program'],
  ],
  statuses: [0, 2, 3, 4],
  async run({ values, operands: [plugin = ''], terminal }) {
    const daemon = await openDaemon(values, terminal);
    const { listing, dataDir } = await findListing(daemon, settingsOf(values));
    const names = listing.plugins.map(({ name }) => name);
    if (!names.includes(plugin)) throw unknownPlugin(plugin, names, values);
    const now = await daemon?.explain(plugin);
    await daemon?.close();
    // A daemon knows what it has decided itself; the log has what others have, and it before. "permissive" is no decision.
    const isLive = now?.decision !== undefined && now.decision.policy !== 'permissive';
    const { decision, eviction } = isLive ? now : await lastDecisions(plugin, pluginLogFile(dataDir, plugin));
    if (terminal.json) {
      await terminal.printJson({ plugin, codeFault: now?.codeFault, decision, eviction });
      return 0;
    }
    // What was decided about memory says nothing of why it failed, or runs older code.
    const isAmiss = now?.lastError !== undefined || now?.codeFault !== undefined;
    if (now !== undefined && isAmiss)
      await terminal.print(shown(beforeDecisions(now.lines).map(oneLine), terminal.out));
    const parts = [decision, eviction].filter((part) => part !== undefined);
    for (const part of parts.toSorted((a, b) => a.at - b.at))
      await terminal.print(shown(decisionText(part, Date.now()), terminal.out));
    if (parts.length === 0 && !isAmiss) {
      terminal.note(
        `No decisions about "${plugin}" yet. The policy "permissive" makes none; set a capacity, such as GREENROOM_CAPACITY=ramMb=8000.`,
      );
    }
    return 0;
  },
});

/** The last decision about the plugin, and the last to evict it, unless the plugin stayed. */
async function lastDecisions(
  plugin: string,
  file: string,
): Promise<{ readonly decision: Decision | undefined; readonly eviction: Decision | undefined }> {
  const { loggedDecision, loggedStay } = await import('../logged-decision.ts');
  let about: Decision | undefined;
  const against: Decision[] = [];
  for (const record of await recordsOf(file)) {
    const decision = loggedDecision(record);
    if (decision?.plugin === plugin) about = decision;
    if (decision?.chosen.some((victim) => victim.plugin === plugin) === true) against.push(decision);
    if (decision === undefined && loggedStay(record)?.plugin === plugin) against.pop();
  }
  return { decision: about, eviction: against.at(-1) };
}

async function recordsOf(file: string): Promise<readonly string[]> {
  try {
    return await tailRecords(file, LINES);
  } catch (error) {
    throw new GreenroomError('E_DATA_DIR', `The log ${file} cannot be read: ${messageOf(error)}.`, { cause: error });
  }
}

/** The lines of an explanation that say how the plugin is now. */
function beforeDecisions(lines: readonly string[]): readonly string[] {
  const end = lines.indexOf('');
  return end < 0 ? lines : lines.slice(0, end);
}

function shown([first = '', ...rest]: readonly string[], style: Style): string {
  return [style.bold(first), ...rest.map((line) => `  ${line}`)].join('\n');
}
