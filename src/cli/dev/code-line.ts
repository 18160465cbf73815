import { faultText } from '../../code/code-fault.ts';
import type { CodeEvent } from '../../runtime/supervisor-events.ts';
import { durationText } from '../../text/duration-text.ts';
import { displayPath } from '../terminal/display-path.ts';
import type { Style } from '../terminal/style.ts';

/** So many files are named, and others counted. */
const MOST_NAMED = 3;

/** What has come of changes in the code of a plugin, as a line: the time, the plugin, the files, how long it took. */
export function codeLine(event: CodeEvent, style: Style): string {
  const plugin = style.bold(event.plugin);
  const files = filesText(event.files);
  const line = (sign: string, text: string): string =>
    `${style.dim(new Date(event.at).toTimeString().slice(0, 8))} ${sign} ${text}`;
  switch (event.outcome) {
    case 'changed':
      return line(style.yellow('↻'), `${plugin}: ${files} changed`);
    case 'served':
      return line(
        style.green('✓'),
        `${plugin} runs the changed ${files}, ${durationText(event.tookMs)} after the change`,
      );
    case 'next-start':
      return line('·', `${plugin}: the next start runs the changed ${files}`);
    case 'faulty': {
      const fault = { ...event.fault, file: displayPath(event.fault.file) };
      return line(style.red('✗'), `${plugin} was not replaced: ${faultText(fault)}`);
    }
    case 'failed':
      return line(style.red('✗'), `${plugin} cannot start with the changed ${files}: ${event.reason}`);
    case 'unwatched':
      return line(
        style.yellow('!'),
        `${plugin}: ${files} cannot be watched and is read again and again: ${event.reason}`,
      );
  }
}

function filesText(files: readonly string[]): string {
  const named = files.slice(0, MOST_NAMED).map(displayPath).join(', ');
  return files.length > MOST_NAMED ? `${named} and ${files.length - MOST_NAMED} more` : named;
}
