import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { GreenroomError, messageOf } from '../../errors.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { isSetAside } from '../../manifest/backup-name.ts';
import { parseManifest } from '../../manifest/schema.ts';
import { resolveSettings } from '../../settings/resolve.ts';
import type { KindTemplate } from '../../worker-kinds/kind.ts';
import { didYouMean } from '../arguments.ts';
import { defineCommand, SETTINGS_OPTIONS, settingsOf } from '../command.ts';
import { indented } from '../help.ts';
import { programName } from '../program-name.ts';
import { DEFAULT_TEMPLATE, templates, writeTemplate } from '../templates.ts';
import { displayPath } from '../terminal/display-path.ts';
import { UsageError } from '../usage-error.ts';

const TEMPLATES = templates();
const NAMES = TEMPLATES.map(({ name }) => name);

/** `greenroom init`: writes a plugin that runs at once. */
export const command = defineCommand({
  usage: 'init NAME',
  about: 'Creates a small plugin that runs right away, as a start for your own. Existing files are never overwritten.',
  options: {
    template: {
      type: 'string',
      short: 't',
      value: 'TEMPLATE',
      help: `${NAMES.join(', ')}; default ${DEFAULT_TEMPLATE}`,
    },
    dir: {
      type: 'string',
      short: 'd',
      value: 'PATH',
      help: 'the folder to create it in; default the first search path',
    },
    ...SETTINGS_OPTIONS,
  },
  operands: [1, 1],
  examples: TEMPLATES.map(({ name, about }) => [
    `greenroom init my-plugin${name === DEFAULT_TEMPLATE ? '' : ` --template ${name}`}`,
    about,
  ]),
  statuses: [0, 2, 4],
  async run({ values, operands: [name = ''], terminal }) {
    checkName(name);
    const template = templateOf(values.template ?? DEFAULT_TEMPLATE);
    const { searchPaths } = resolveSettings(settingsOf(values));
    const parent = values.dir === undefined ? (searchPaths[0] ?? '.') : resolve(values.dir);
    const folder = join(parent, name);
    const files = write(template, name, folder);
    if (terminal.json) {
      await terminal.printJson({ name, template: template.name, folder, files, test: template.test });
      return 0;
    }
    const shown = displayPath(folder);
    const quoted = quote(name);
    const program = programName();
    const where =
      searchPaths.includes(parent) && values['search-path'] === undefined
        ? ''
        : ` --search-path ${quote(displayPath(parent))}`;
    await terminal.print(
      [
        `Created ${terminal.out.bold(shown)}`,
        ...indented(files.map(({ name, what }) => [name, terminal.out.dim(what)])),
        '',
        'Next:',
        ...indented([
          ...template.calls.map(([input, what]) => [
            `${program} run ${quoted} ${input}${where}`,
            terminal.out.dim(what),
          ]),
          ...(template.request === undefined
            ? []
            : [
                [
                  `supervisor.fetch(${JSON.stringify(name)}, ${JSON.stringify(template.request)})`,
                  terminal.out.dim('send it a request, in your program'),
                ],
              ]),
          [`${program} validate ${quote(shown)}`, terminal.out.dim('after changing its manifest')],
          [`${program} logs ${quoted}${where}`, terminal.out.dim('show what it printed')],
          [`cd ${quote(shown)} && ${template.test}`, terminal.out.dim('run its test')],
        ]),
      ].join('\n'),
    );
    return 0;
  },
});

function checkName(name: string): void {
  const parsed = parseManifest({ name, command: 'true' });
  if (!parsed.ok) throw new UsageError(`Invalid plugin name "${name}": it ${parsed.issues[0]?.reason}.`);
  const reason = unsuitable(name);
  if (reason !== undefined) throw new UsageError(`Invalid plugin name "${name}": ${reason}. Choose another name.`);
}

/** Why a name that a manifest may have makes trouble on the command line, or as the name of a folder. */
function unsuitable(name: string): string | undefined {
  if (name.startsWith('-')) return 'commands take it for an option';
  if (isSetAside(name)) return 'folders with such a name are ignored, as hidden ones and backups are';
  return undefined;
}

function templateOf(given: string): KindTemplate {
  const template = TEMPLATES.find(({ name }) => name === given);
  if (template !== undefined) return template;
  throw new UsageError(
    `Unknown template "${given}".`,
    didYouMean(given, NAMES) ?? `Known templates: ${NAMES.join(', ')}.`,
  );
}

function write(template: KindTemplate, name: string, folder: string) {
  try {
    makeFolder(dirname(folder));
    // Not recursive, so that it fails where there is something already.
    mkdirSync(folder);
    return writeTemplate(template, name, folder);
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new GreenroomError(
      'E_OPTIONS',
      isThere
        ? `${displayPath(folder)} already exists. Choose another name, or remove it first.`
        : `${displayPath(folder)} cannot be written: ${messageOf(error)}.`,
      { cause: error },
    );
  }
}

/** A word as a shell takes it. */
function quote(word: string): string {
  return /^[\w./~@:+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
