import type { JsonPath } from '../json/json-text.ts';
import { shortened } from '../text/shortened.ts';
import type { Client } from './clients.ts';
import { pathsOf } from './config-files.ts';
import { type Input, inputValue } from './inputs.ts';
import type { Report } from './problem.ts';

/** What the variables of a configuration are replaced by. */
export interface Surroundings {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home folder, absolute. */
  readonly home: string;
  /** The folder that is worked in, absolute: for the user's own files, which are about none. */
  readonly workspace?: string | undefined;
  /** Values of inputs that are not in the environment. */
  readonly input?: ((id: string) => string | undefined) | undefined;
}

/** Fills in the variables of one text. Undefined where one has no value, which was reported. */
export type Fill = (text: string, path: JsonPath) => string | undefined;

/** What fills in the variables of one server. */
export interface FillOptions {
  readonly client: Client;
  readonly surroundings: Surroundings;
  /** The folder that the file is about; absent for the user's own files. */
  readonly workspace: string | undefined;
  readonly inputs: ReadonlyMap<string, Input>;
  readonly report: Report;
}

/** `${NAME}` or `${NAME:-default}`. */
const NAME = /^([A-Za-z_]\w*)(?::-(.*))?$/s;

/** Forms that are filled in whatever the client: where one does not know them, nobody would write them. */
const KNOWN = ['env:NAME', 'input:ID', 'userHome', 'workspaceFolder', 'workspaceFolderBasename', 'pathSeparator'];

/**
 * Fills in variables once: what a value brings is not filled in again, so that no environment variable or input can refer
 * to another. `$NAME` without braces stays, as with every client.
 */
export function fillBy({ client, surroundings, workspace, inputs, report }: FillOptions): Fill {
  const { platform, env, home } = surroundings;
  const { basename, sep } = pathsOf(platform);
  const variable = (name: string): string | undefined => (Object.hasOwn(env, name) ? env[name] : undefined);
  return (text, path) => {
    let isWhole = true;
    const missing = (reason: string): string => {
      isWhole = false;
      report('error', path, reason);
      return '';
    };
    const folder = (reference: string): string =>
      workspace ??
      missing(
        `${reference} has no value: the file is the user's own, and about no folder. Write the path of the folder.`,
      );
    const named = (reference: string, name: string, fallback: string | undefined): string => {
      if (!client.fillsNames) {
        report(
          'warning',
          path,
          `${reference} is left as it is, as by ${client.title}; to fill it in, write \${env:${name}}`,
        );
        return reference;
      }
      // Claude Code sets it for its servers, so that its files may use it.
      const value = name === 'CLAUDE_PROJECT_DIR' ? (workspace ?? variable(name)) : variable(name);
      return (
        value ??
        fallback ??
        missing(`the environment variable ${name} is not set. Set it, or write a default: \${${name}:-…}`)
      );
    };
    // Beyond the last brace each beginning of a variable would be followed to the end, in vain.
    const end = text.lastIndexOf('}') + 1;
    const filled = text.slice(0, end).replaceAll(/\$\{([^}]*)\}/g, (reference, inside: string) => {
      if (inside.includes('${'))
        return missing(`${shortened(reference, 100)} has a variable within a variable, which no client reads`);
      if (inside === 'userHome') return home;
      if (inside === 'workspaceFolder') return folder(reference);
      if (inside === 'workspaceFolderBasename') return basename(folder(reference));
      if (inside === 'pathSeparator' || inside === '/') return sep;
      const [, name, fallback] = NAME.exec(inside) ?? [];
      if (name !== undefined) return named(reference, name, fallback);
      const [kind, argument] = /^([A-Za-z]+):(.+)$/s.exec(inside)?.slice(1) ?? [];
      if (kind === undefined || argument === undefined) return reference;
      if (kind === 'env') {
        const value = variable(argument);
        if (value === undefined)
          report('warning', path, `the environment variable ${shortened(argument, 100)} is not set, and left empty`);
        return value ?? '';
      }
      if (kind === 'input') {
        const found = inputValue(argument, inputs, surroundings);
        return 'value' in found ? found.value : missing(found.reason);
      }
      return missing(
        `unknown variable ${shortened(reference, 100)}. Known are ${KNOWN.map((form) => `\${${form}}`).join(', ')}.`,
      );
    });
    return isWhole ? filled + text.slice(end) : undefined;
  };
}
