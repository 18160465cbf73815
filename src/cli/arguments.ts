import { parseArgs } from 'node:util';
import { nearestName } from '../text/nearest-name.ts';
import { COMMON_OPTIONS, type Command, type Options, SETTINGS_OPTIONS } from './command.ts';
import { UsageError } from './usage-error.ts';

/** "Did you mean "x"?", where something known is near. */
export function didYouMean(given: string, known: Iterable<string>): string | undefined {
  const near = nearestName(given, known);
  return near === undefined ? undefined : `Did you mean "${near}"?`;
}

const LEADING_OPTIONS = {
  ...COMMON_OPTIONS,
  ...SETTINGS_OPTIONS,
  version: { type: 'boolean', short: 'v', help: 'print the version' },
} as const satisfies Options;

/** A command line cut into the name of the command and the rest. */
export interface LeadingArguments {
  readonly command: string | undefined;
  readonly rest: readonly string[];
  readonly version: boolean;
  readonly help: boolean;
}

/** Finds the name of the command: the first argument that is neither an option nor the value of one. */
export function findCommand(args: readonly string[]): LeadingArguments {
  const { values, tokens } = parseArgs({
    args,
    options: LEADING_OPTIONS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const name = tokens.find((token) => token.kind === 'positional');
  return {
    command: name?.value,
    rest: args.filter((_, index) => index !== name?.index),
    version: values.version === true,
    help: values.help === true,
  };
}

/** Reads the arguments of a command. Throws {@link UsageError}. */
export function parseArguments(command: Pick<Command, 'options' | 'operands' | 'usage'>, args: readonly string[]) {
  const options = { ...command.options, ...COMMON_OPTIONS };
  const { values, positionals } = parse(command, options, args);
  const [least, most] = command.operands;
  if (values['help'] !== true) {
    if (positionals.length < least) {
      // The name of the command stands before them.
      const required = command.usage.split(' ').filter((word) => !word.startsWith('['));
      const missing = required[required.length - least + positionals.length]?.replace('…', '');
      throw new UsageError(`Missing argument: ${missing}.`, usageOf(command));
    }
    const extra = positionals[most];
    if (extra !== undefined)
      throw new UsageError(`Unexpected argument: "${extra}".`, hints(fieldHint(command, extra), usageOf(command)));
  }
  return { values, operands: positionals };
}

/** What to try, and how the command is used, a line each. */
function hints(...lines: readonly (string | undefined)[]): string {
  return lines.filter((line) => line !== undefined).join('\n       ');
}

function usageOf({ usage }: Pick<Command, 'usage'>): string {
  return `Usage: greenroom ${usage}`;
}

/**
 * How to set a field of the input, where one was typed as an argument or an option of its own.
 *
 * @param next the argument behind it, which may be its value
 */
function fieldHint({ options }: Pick<Command, 'options'>, typed: string, next?: string): string | undefined {
  const field = /^(?:--)?([A-Za-z_][\w-]*)(=.*)?$/s.exec(typed);
  if (!('arg' in options) || field === null || (field[2] === undefined && !typed.startsWith('--'))) return undefined;
  const value = next === undefined || next.startsWith('-') ? 'VALUE' : next;
  const set = `${field[1]}${field[2] ?? `=${value}`}`;
  return `To set a field of the input, use: --arg ${/^[\w=./:,+-]*$/.test(set) ? set : `'${set.replaceAll("'", "'\\''")}'`}`;
}

function parse(command: Pick<Command, 'options' | 'usage'>, options: Options, args: readonly string[]) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
      const given = /'(-[^']*)'/.exec(message)?.[1] ?? '';
      const known = Object.keys(options).map((name) => `--${name}`);
      const at = args.findIndex((argument) => argument === given || argument.startsWith(`${given}=`));
      const typed = args[at] ?? given;
      throw new UsageError(
        `Unknown option "${given}".`,
        hints(didYouMean(given, known) ?? fieldHint(command, typed, args[at + 1]), usageOf(command)),
      );
    }
    const unfinished = /^Option '(?:-\w, )?(--([\w-]+)) <value>' argument missing/.exec(message);
    if (unfinished !== null) {
      const [, name = '', key = ''] = unfinished;
      throw new UsageError(`Missing value: ${name} ${options[key]?.value ?? 'VALUE'}.`, usageOf(command));
    }
    // A value, or the next option: Node does not guess, and its words fit no option with a short name.
    const dashed = /argument is ambiguous\.[^]*'(--([\w-]+))=-XYZ'/.exec(message);
    if (dashed !== null) {
      const [, name = '', key = ''] = dashed;
      const { short, value = 'VALUE' } = options[key] ?? {};
      const at = args.findIndex((argument) => argument === name || argument === `-${short}`);
      const meant = `A value that begins with "-" follows a "=": ${name}=${args[at + 1]}`;
      throw new UsageError(`Missing value: ${name} ${value}.`, hints(meant, usageOf(command)));
    }
    if (code?.startsWith('ERR_PARSE_ARGS_') === true) throw new UsageError(message.replaceAll('\n', ' '));
    throw error;
  }
}
