import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { resolveSettings } from '../../settings/settings.ts';
import { GreenroomError, messageOf } from '../../errors.ts';
import { parseManifest } from '../../manifest/schema.ts';
import { didYouMean, UsageError } from '../arguments.ts';
import { defineCommand, SETTINGS_OPTIONS, settingsOf } from '../command.ts';
import { displayPath } from '../terminal/display-path.ts';
import { indented } from '../help.ts';
import { TEMPLATES, writeTemplate } from '../templates.ts';

/** `greenroom init`: writes a plugin that runs at once. */
export const command = defineCommand({
  usage: 'init NAME',
  about: 'Writes a small plugin that runs at once, as a start for your own. What is there already is left alone.',
  options: {
    template: {
      type: 'string',
      short: 't',
      value: 'KIND',
      help: `${TEMPLATES.join(', ')}; default ${TEMPLATES[0]}`,
    },
    dir: {
      type: 'string',
      short: 'd',
      value: 'PATH',
      help: 'the folder of plugins to write it in; default the first search path',
    },
    ...SETTINGS_OPTIONS,
  },
  operands: [1, 1],
  examples: [
    ['greenroom init my-plugin', 'a Python class'],
    ['greenroom init my-plugin --template node', 'a module for Node'],
    ['greenroom init my-plugin --template command', 'a program that speaks the worker protocol itself'],
  ],
  statuses: [0, 2, 4],
  async run({ values, operands: [name = ''], terminal }) {
    checkName(name);
    const template = templateOf(values.template ?? TEMPLATES[0]);
    const { searchPaths } = resolveSettings(settingsOf(values));
    const parent = values.dir === undefined ? (searchPaths[0] ?? '.') : resolve(values.dir);
    const folder = join(parent, name);
    const files = write(template, name, folder);
    if (terminal.json) {
      await terminal.printJson({ name, template, folder, files });
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
        `Written: ${terminal.out.bold(shown)}`,
        ...indented(files.map(({ name, what }) => [name, terminal.out.dim(what)])),
        '',
        'Next:',
        ...indented([
          [`greenroom run ${quoted} '{"name":"Ada"}'${where}`, terminal.out.dim('call it')],
          ...(template === 'command'
            ? []
            : [[`greenroom run ${quoted} --arg name=Ada --stream${where}`, terminal.out.dim('read what it streams')]]),
          [`greenroom validate ${quote(shown)}`, terminal.out.dim('after changing its manifest')],
          [`greenroom logs ${quoted}${where}`, terminal.out.dim('what it has printed')],
        ]),
      ].join('\n'),
    );
    return 0;
  },
});

function checkName(name: string): void {
  const parsed = parseManifest({ name, command: 'true' });
  if (!parsed.ok) throw new UsageError(`"${name}" cannot be the name of a plugin: it ${parsed.issues[0]?.reason}.`);
}

function templateOf(given: string): (typeof TEMPLATES)[number] {
  const template = TEMPLATES.find((name) => name === given);
  if (template !== undefined) return template;
  throw new UsageError(
    `There is no template "${given}".`,
    didYouMean(given, TEMPLATES) ?? `There are: ${TEMPLATES.join(', ')}.`,
  );
}

function write(template: (typeof TEMPLATES)[number], name: string, folder: string) {
  try {
    mkdirSync(dirname(folder), { recursive: true });
    // Not recursive, so that it fails where there is something already.
    mkdirSync(folder);
    return writeTemplate(template, name, folder);
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new GreenroomError(
      'E_OPTIONS',
      isThere
        ? `${displayPath(folder)} is already there. Choose another name, or remove it first.`
        : `${displayPath(folder)} cannot be written: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** A word as a shell takes it. */
function quote(word: string): string {
  return /^[\w./~@:+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
