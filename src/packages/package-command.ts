import { basename } from 'node:path';

/** A command of npx or uvx, which fetches a package where it is not there yet, and then runs a program of it. */
export interface PackageCommand {
  readonly runner: 'npx' | 'uvx';
  /** The package, with its version if the command says one: `@scope/name@1.2`, `file:/path`; of uvx `name[extra]==1.2`. */
  readonly spec: string;
  /** The arguments of the runner up to the program's own. */
  readonly args: readonly string[];
  /** The arguments of the program. */
  readonly programArgs: readonly string[];
}

/** What is known of a runner's options. Of any other option it cannot be said whether the next argument is its value. */
interface Options {
  readonly flags: ReadonlySet<string>;
  /** Those whose value names the package, so that the first argument that is no option is a program of it. */
  readonly packages: readonly string[];
}

const OPTIONS: Readonly<Record<PackageCommand['runner'], Options>> = {
  npx: { flags: new Set(['-y', '--yes', '-q', '--quiet']), packages: ['-p', '--package'] },
  uvx: { flags: new Set(['-q', '--quiet']), packages: ['--from'] },
};

/**
 * Reads a command of npx or uvx: `npx [-y] [-p PACKAGE] [--] PROGRAM …`, `uvx [--from PACKAGE] PROGRAM …`. Undefined for
 * any other program, and for a command with options that are not known here, which is to be run as it is.
 */
export function packageCommand(file: string, args: readonly string[]): PackageCommand | undefined {
  const runner = basename(file);
  if (runner !== 'npx' && runner !== 'uvx') return undefined;
  const { flags, packages } = OPTIONS[runner];
  let named: string | undefined;
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] as string;
    const isEnd = arg === '--' && runner === 'npx';
    if (isEnd || !arg.startsWith('-')) {
      const program = isEnd ? at + 1 : at;
      const name = args[program];
      const spec = name === undefined ? undefined : (named ?? (runner === 'npx' ? name : requirementOf(name)));
      if (spec === undefined || spec === '') return undefined;
      return { runner, spec, args: args.slice(0, program + 1), programArgs: args.slice(program + 1) };
    }
    if (flags.has(arg)) continue;
    const value = valueOf(arg, packages, args[at + 1]);
    // Two packages, or an option that is not known.
    if (value === undefined || value.text === '' || named !== undefined) return undefined;
    named = value.text;
    if (value.isNext) at += 1;
  }
  return undefined;
}

/**
 * What uvx installs for a program: `name@1.2` is `name==1.2`. Undefined for `name@latest`, which asks for the newest one at
 * each start, and for anything else that names a version in another way than that.
 */
function requirementOf(name: string): string | undefined {
  const [, program, version] = /^([\w.-]+(?:\[[\w.,-]+\])?)(?:@(\d[\w.+!-]*))?$/.exec(name) ?? [];
  return version === undefined ? program : `${program}==${version}`;
}

/** The value of an option that names a package: behind a `=`, or the next argument. */
function valueOf(
  arg: string,
  names: readonly string[],
  next: string | undefined,
): { readonly text: string; readonly isNext: boolean } | undefined {
  if (names.includes(arg)) return next === undefined ? undefined : { text: next, isNext: true };
  const name = names.find((each) => each.startsWith('--') && arg.startsWith(`${each}=`));
  return name === undefined ? undefined : { text: arg.slice(name.length + 1), isNext: false };
}
