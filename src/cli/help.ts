import { COMMON_OPTIONS, type Command, type CommandEntry, type CommandGroup, type Options } from './command.ts';
import { EXIT_STATUSES } from './exit-status.ts';
import type { Style } from './terminal/style.ts';
import { formatTable } from './terminal/table.ts';

/** The help of one command: usage, options, examples and exit statuses. */
export function commandHelp(command: Command, style: Style): string {
  return helpText(command, [], command.options, style);
}

/** The help of commands below one name. */
export function groupHelp(group: CommandGroup, style: Style): string {
  const commands = [style.bold('Commands:'), ...commandRows(group.commands), ''];
  return helpText(group, commands, {}, style);
}

function helpText(
  { usage, about, examples, statuses }: Omit<CommandGroup, 'commands'>,
  commands: readonly string[],
  options: Options,
  style: Style,
): string {
  return [
    `${style.bold('Usage:')} greenroom ${usage} [OPTIONS]`,
    '',
    about,
    '',
    ...commands,
    style.bold('Options:'),
    ...indented(optionRows({ ...options, ...COMMON_OPTIONS })),
    '',
    style.bold('Examples:'),
    ...indented(examples.map(([line, what]) => [line, style.dim(what)])),
    '',
    style.bold('Exit status:'),
    ...indented(statuses.map((status) => [String(status).padStart(3), EXIT_STATUSES[status]])),
  ].join('\n');
}

/** Commands as lines, each with what it does. */
export function commandRows(commands: Readonly<Record<string, Pick<CommandEntry, 'summary'>>>): string[] {
  return indented(Object.entries(commands).map(([name, { summary }]) => [name, summary]));
}

/** The rows of {@link formatTable} for options. */
export function optionRows(options: Options): string[][] {
  return Object.entries(options).map(([name, { short, value, help }]) => {
    const names = short === undefined ? `    --${name}` : `-${short}, --${name}`;
    return [value === undefined ? names : `${names} ${value}`, help];
  });
}

/** Rows as lines of a table, a little to the right. */
export function indented(rows: readonly (readonly string[])[]): string[] {
  return formatTable(rows).map((line) => `  ${line}`);
}
