import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { GreenroomError, messageOf } from '../../errors.ts';
import { writeWhole } from '../../files/whole-file.ts';
import { oneLine } from '../../text/printable.ts';
import { askTools, bySupervisor } from '../asked-tools.ts';
import { defineCommand, SETTINGS_OPTIONS, settingsOf } from '../command.ts';
import { discover } from '../discovered.ts';
import { formatProblems } from '../problems.ts';
import { reportError } from '../report-error.ts';
import { displayPath } from '../terminal/display-path.ts';
import { declarationsOf, HEADER } from '../types/declarations.ts';
import { openSchemaTypes } from '../types/schema-types.ts';

/** Stands for standard output. */
const STANDARD_OUTPUT = '-';

/** `greenroom types`: what TypeScript checks calls of plugins by. */
export const command = defineCommand({
  usage: 'types',
  about:
    'Writes the types of all tools of all plugins, by which TypeScript checks their calls. Needs the package\njson-schema-to-typescript in your project. Starts a plugin whose tools are not known yet, and stops it.',
  options: {
    output: {
      type: 'string',
      short: 'o',
      value: 'FILE',
      help: `the file to write, which stays as it is where nothing has changed; default ${STANDARD_OUTPUT}, standard output`,
    },
    ...SETTINGS_OPTIONS,
  },
  operands: [0, 0],
  examples: [
    ['greenroom types -o greenroom.d.ts', 'into a file that the tsconfig.json of your project includes'],
    ['greenroom types', 'show them'],
  ],
  statuses: [0, 1, 2, 4, 130],
  async run({ values, terminal }) {
    const { output = STANDARD_OUTPUT } = values;
    const file = output === STANDARD_OUTPUT ? undefined : resolve(output);
    const former = file === undefined ? undefined : formerText(file);
    const types = await openSchemaTypes();
    const { entries, problems } = await discover(settingsOf(values));
    const names = entries.map(({ manifest }) => manifest.name);
    const asked = await askTools(bySupervisor(settingsOf(values)), names, terminal);
    if (asked.status !== undefined) {
      if (terminal.json) await reportError(new GreenroomError('E_CANCELLED', 'No types were written.'), terminal);
      return asked.status;
    }
    const plugins = entries.map(({ manifest: { name, description } }) => {
      return { name, description, tools: asked.tools.get(name) };
    });
    const declarations = await declarationsOf(plugins, types);
    const { text } = declarations;
    const changed = text !== former;
    if (file !== undefined && changed) write(file, text);
    const untyped = names.filter((name) => !asked.tools.has(name));
    const status = untyped.length === 0 ? 0 : 1;
    if (terminal.json) {
      const written = file === undefined ? { text } : { file, changed };
      await terminal.printJson({ ...written, plugins: names, untyped, schemas: declarations.problems, problems });
      return status;
    }
    const { err } = terminal;
    const warn = (words: string): void => terminal.note(`${err.yellow('warning:')} ${oneLine(words)}`);
    if (problems.length > 0) terminal.note(formatProblems(problems, err).join('\n'));
    for (const { plugin, tool, field, reason } of declarations.problems)
      warn(`The ${field} of "${plugin}", tool "${tool}", has no type (it is unknown instead): ${reason}`);
    for (const name of untyped) warn(`The tools of "${name}" are not known: its calls are not checked.`);
    if (file === undefined) await terminal.print(text.trimEnd());
    else terminal.note(`${changed ? 'Wrote' : 'Nothing has changed in'} ${displayPath(file)}`);
    return status;
  },
});

/** What the file says now, if there is one. Throws `E_OPTIONS` where it must not or cannot be replaced. */
function formerText(file: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new GreenroomError('E_OPTIONS', `${displayPath(file)} cannot be read: ${messageOf(error)}.`, {
      cause: error,
    });
  }
  if (text === '' || text.startsWith(HEADER)) return text;
  throw new GreenroomError(
    'E_OPTIONS',
    `${displayPath(file)} was not written by greenroom types, which would replace it. Choose another file, or remove it first.`,
  );
}

function write(file: string, text: string): void {
  try {
    writeWhole(file, text, PUBLIC);
  } catch (error) {
    throw new GreenroomError('E_OPTIONS', `${displayPath(file)} cannot be written: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

/** A file of the program's source, which others may read. */
const PUBLIC = 0o666;
