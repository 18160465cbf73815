import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { GreenroomError, messageOf } from '../../errors.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { parseManifest } from '../../manifest/schema.ts';
import { resolveSettings } from '../../settings/resolve.ts';
import { didYouMean } from '../arguments.ts';
import { defineCommand, SETTINGS_OPTIONS, settingsOf } from '../command.ts';
import { indented } from '../help.ts';
import { DEFAULT_TEMPLATE, type Template, templates, writeTemplate } from '../templates.ts';
import { displayPath } from '../terminal/display-path.ts';
import { UsageError } from '../usage-error.ts';

const TEMPLATES = templates();
const KINDS = TEMPLATES.map(({ kind }) => kind);

/** `greenroom init`: writes a plugin that runs at once. */
export const command = defineCommand({
  usage: 'init NAME',
  about: 'Creates a small plugin that runs right away, as a start for your own. Existing files are never overwritten.',
  options: {
    template: {
      type: 'string',
      short: 't',
      value: 'KIND',
      help: `${KINDS.join(', ')}; default ${DEFAULT_TEMPLATE}`,
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
  examples: TEMPLATES.map(({ kind, about }) => [
    `greenroom init my-plugin${kind === DEFAULT_TEMPLATE ? '' : ` --template ${kind}`}`,
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
      await terminal.printJson({ name, template: template.kind, folder, files });
      return 0;
    }
    const shown = displayPath(folder);
    const quoted = quote(name);
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
          [`greenroom run ${quoted} '{"name":"Ada"}'${where}`, terminal.out.dim('call it')],
          ...(template.streams
            ? [[`greenroom run ${quoted} --arg name=Ada --stream${where}`, terminal.out.dim('stream its results')]]
            : []),
          ...(template.tool === undefined
            ? []
            : [
                [
                  `greenroom run ${quoted} --tool ${template.tool} --arg name=Ada${where}`,
                  terminal.out.dim(`call its tool "${template.tool}"`),
                ],
              ]),
          [`greenroom validate ${quote(shown)}`, terminal.out.dim('after changing its manifest')],
          [`greenroom logs ${quoted}${where}`, terminal.out.dim('show what it printed')],
        ]),
      ].join('\n'),
    );
    return 0;
  },
});

function checkName(name: string): void {
  const parsed = parseManifest({ name, command: 'true' });
  if (!parsed.ok) throw new UsageError(`Invalid plugin name "${name}": it ${parsed.issues[0]?.reason}.`);
}

function templateOf(given: string): Template {
  const template = TEMPLATES.find(({ kind }) => kind === given);
  if (template !== undefined) return template;
  throw new UsageError(
    `Unknown template "${given}".`,
    didYouMean(given, KINDS) ?? `Known templates: ${KINDS.join(', ')}.`,
  );
}

function write(template: Template, name: string, folder: string) {
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
