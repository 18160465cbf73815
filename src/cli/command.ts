import type { ExitStatus } from './exit-status.ts';
import type { Terminal } from './terminal/terminal.ts';

/** An option of a command, as `parseArgs` of `node:util` takes it, with what its help says. */
export interface Option {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: boolean;
  /** What stands for the value in the help, in capitals. */
  readonly value?: string;
  readonly help: string;
}

/** The options of a command by their long names. */
export type Options = Readonly<Record<string, Option>>;

type ValueOf<O extends Option> = O extends { readonly type: 'boolean' }
  ? boolean
  : O extends { readonly multiple: true }
    ? readonly string[]
    : string;

/** What was given for the options of a command. */
export type Values<O extends Options> = { readonly [K in keyof O]?: ValueOf<O[K]> };

/** A command as it was typed. */
export interface Invocation<V = Readonly<Record<string, unknown>>> {
  /** What was given for its options. */
  readonly values: V;
  /** The arguments that are no options. */
  readonly operands: readonly string[];
  readonly terminal: Terminal;
}

/** A command of the command line. */
export interface Command<O extends Options = Options, V = Readonly<Record<string, unknown>>> {
  /** What follows `greenroom`: the name and the operands. */
  readonly usage: string;
  /** What it does, in a sentence or a few. */
  readonly about: string;
  readonly options: O;
  /** How many operands it takes. */
  readonly operands: readonly [least: number, most: number];
  /** Command lines, each with what it does. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  readonly statuses: readonly ExitStatus[];
  /** Resolves to the exit status; a rejection is told of and gives its own. */
  run(invocation: Invocation<V>): Promise<number>;
}

/** Commands below one name, such as those of `greenroom jobs`. */
export interface CommandGroup {
  /** What follows `greenroom`. */
  readonly usage: string;
  readonly about: string;
  /** By name, in the order of the help. */
  readonly commands: Readonly<Record<string, CommandEntry<Command>>>;
  readonly examples: Command['examples'];
  readonly statuses: Command['statuses'];
}

/** A command as the help lists it. It is read from disk when it is wanted. */
export interface CommandEntry<Kind = Command | CommandGroup> {
  readonly summary: string;
  load(): Promise<{ readonly command: Kind }>;
}

/** Gives the values of a command's options their types, and forgets them again for its callers. */
export function defineCommand<const O extends Options>(command: Command<O, Values<O>>): Command {
  return command;
}

/** What every command takes. */
export const COMMON_OPTIONS = {
  json: { type: 'boolean', help: 'print JSON only, for programs' },
  help: { type: 'boolean', short: 'h', help: 'print this help' },
} as const satisfies Options;

/** What the commands take that look for plugins. */
export const SETTINGS_OPTIONS = {
  'search-path': {
    type: 'string',
    multiple: true,
    value: 'PATH',
    help: 'look for plugins in this folder instead of the usual ones; may be repeated',
  },
  'mcp-config': {
    type: 'string',
    multiple: true,
    value: 'FILE',
    help: 'use the servers of this configuration of an MCP client; may be repeated',
  },
  'data-dir': {
    type: 'string',
    value: 'PATH',
    help: 'keep logs and other data here; default $GREENROOM_HOME or ~/.greenroom',
  },
} as const satisfies Options;

/** What the commands take that do everything at the daemon. */
export const DATA_DIR_OPTIONS = { 'data-dir': SETTINGS_OPTIONS['data-dir'] } as const satisfies Options;

/** What the commands take that make a call, now or as a job. */
export const INPUT_OPTIONS = {
  arg: {
    type: 'string',
    short: 'a',
    multiple: true,
    value: 'NAME=VALUE',
    help: 'set a field of the input to a JSON value, or else to the text; may be repeated',
  },
  tool: { type: 'string', value: 'NAME', help: 'call this tool of the plugin' },
} as const satisfies Options;

/** What the commands take that use a daemon where there is one. */
export const DAEMON_OPTIONS = {
  'no-daemon': { type: 'boolean', help: 'do it without the daemon, if one runs' },
} as const satisfies Options;

/** The settings of a supervisor that {@link SETTINGS_OPTIONS} set. */
export function settingsOf(values: Values<typeof SETTINGS_OPTIONS>) {
  return { searchPaths: values['search-path'], mcpConfigs: values['mcp-config'], dataDir: values['data-dir'] };
}
