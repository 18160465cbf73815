import { packageVersion } from '../files/package-version.ts';
import { didYouMean, findCommand, parseArguments } from './arguments.ts';
import { type Command, type CommandEntry, type CommandGroup, SETTINGS_OPTIONS } from './command.ts';
import { COMMANDS } from './commands.ts';
import { commandHelp, commandRows, groupHelp, indented, optionRows } from './help.ts';
import { programName } from './program-name.ts';
import { reportError, reportLostOutput } from './report-error.ts';
import { Terminal } from './terminal/terminal.ts';
import { UsageError } from './usage-error.ts';

/** Runs a command line and sets the exit status of this process. Never rejects. */
async function main(args: readonly string[]): Promise<void> {
  const end = args.indexOf('--');
  const terminal = new Terminal(args.slice(0, end < 0 ? undefined : end).includes('--json'));
  const status = await runCommand(args, terminal);
  const isTaken = await terminal.flush();
  const { failure } = terminal;
  if (failure !== undefined) reportLostOutput(failure, terminal);
  process.exitCode = failure !== undefined && status === 0 ? 1 : status;
  // What nobody takes would keep this process, which is to end by now.
  if (!isTaken) process.exit();
}

/** Resolves to the exit status. */
async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const { command: name, rest, version, help } = findCommand(args);
  try {
    if (name === undefined) return await answerWithoutCommand(rest, version, help, terminal);
    const { command } = await entryOf(COMMANDS, name, 'greenroom').load();
    return await ('commands' in command ? runOfGroup(command, rest, terminal) : run(command, rest, terminal));
  } catch (error) {
    return reportError(error, terminal);
  }
}

async function run(command: Command, args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, operands } = parseArguments(command, args);
  if (values['help'] !== true) return command.run({ values, operands, terminal });
  await terminal.print(commandHelp(command, terminal.out));
  return 0;
}

async function runOfGroup(group: CommandGroup, args: readonly string[], terminal: Terminal): Promise<number> {
  const { command: name, rest, help } = findCommand(args);
  if (name !== undefined) {
    const [own = ''] = group.usage.split(' ');
    const { command } = await entryOf(group.commands, name, `greenroom ${own}`).load();
    return run(command, rest, terminal);
  }
  // What was typed may be wrong in more than that the command is missing.
  if (!help) parseArguments({ options: SETTINGS_OPTIONS, operands: [0, 0], usage: group.usage }, args);
  await terminal.print(groupHelp(group, terminal.out));
  return 0;
}

function entryOf<Kind>(
  entries: Readonly<Record<string, CommandEntry<Kind>>>,
  name: string,
  program: string,
): CommandEntry<Kind> {
  const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
  if (entry !== undefined) return entry;
  const hint = didYouMean(name, Object.keys(entries)) ?? `Run "${program} --help" for the commands.`;
  throw new UsageError(`Unknown command "${name}".`, hint);
}

async function answerWithoutCommand(
  args: readonly string[],
  version: boolean,
  help: boolean,
  terminal: Terminal,
): Promise<number> {
  if (version) {
    const own = packageVersion();
    await terminal.print(terminal.json ? JSON.stringify({ version: own }) : own);
    return 0;
  }
  if (help || args.length === 0) {
    await terminal.print(overview(terminal));
    return 0;
  }
  // What was typed may be wrong in more than that the command is missing.
  parseArguments({ options: SETTINGS_OPTIONS, operands: [0, 0], usage: 'COMMAND' }, args);
  throw new UsageError('Missing argument: COMMAND.', 'Run "greenroom --help" for the commands.');
}

function overview({ out }: Terminal): string {
  const program = programName();
  return [
    `${out.bold('Greenroom')} runs plugins in separate processes and supervises them.`,
    '',
    `${out.bold('Usage:')} greenroom COMMAND [OPTIONS]`,
    '',
    out.bold('Commands:'),
    ...commandRows(COMMANDS),
    '',
    out.bold('Options:'),
    ...indented(
      optionRows({
        ...SETTINGS_OPTIONS,
        json: { type: 'boolean', help: 'print JSON only, for programs' },
        help: { type: 'boolean', short: 'h', help: 'print this help, or the help of a command' },
        version: { type: 'boolean', short: 'v', help: 'print the version' },
      }),
    ),
    '',
    `${out.bold('Start with:')} ${program} demo, or ${program} init my-plugin`,
  ].join('\n');
}

await main(process.argv.slice(2));
