import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FOLDER_MANIFEST } from '../manifest/search-path.ts';

/** The kinds of plugins that can be written; the first is the default. */
export const TEMPLATES = ['python', 'node', 'command'] as const;

/** A file that was written, and what it is. */
export interface WrittenFile {
  readonly name: string;
  readonly what: string;
}

/** The examples of the package are the templates, so that what is written is what is tested. */
const EXAMPLES = new URL('../../examples/plugins/', import.meta.url);

interface Template {
  /** The file of the plugin in its example. */
  readonly source: string;
  /** The same in what is written: a name that hides no module of the language's own library. */
  readonly target: string;
  /** What in the manifest refers to the file or what is in it. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** What in the source is the example's own, and what stands there instead. */
  readonly renamed: (name: string) => readonly (readonly [string, string])[];
}

const SOURCES: Readonly<Record<(typeof TEMPLATES)[number], Template>> = {
  python: {
    source: 'hello_python.py',
    target: 'plugin.py',
    fields: { module: 'plugin', class: 'Plugin' },
    renamed: (name) => [
      ['class Hello:', 'class Plugin:'],
      ['"hello-python"', JSON.stringify(name)],
    ],
  },
  node: {
    source: 'hello-node.mjs',
    target: 'plugin.mjs',
    fields: { module: './plugin.mjs' },
    renamed: (name) => [["'hello-node'", JSON.stringify(name)]],
  },
  command: {
    source: 'hello-command.mjs',
    target: 'plugin.mjs',
    fields: { args: ['plugin.mjs'] },
    renamed: () => [],
  },
};

/** Writes a plugin into a folder that is there and empty. Throws what the file system throws. */
export function writeTemplate(template: (typeof TEMPLATES)[number], name: string, folder: string): WrittenFile[] {
  const { source, target, fields, renamed } = SOURCES[template];
  const example = new URL(`hello-${template}/`, EXAMPLES);
  const { category: _, ...manifest } = JSON.parse(readFileSync(new URL(FOLDER_MANIFEST, example), 'utf8')) as Record<
    string,
    unknown
  >;
  const own = { ...manifest, name, ...fields };
  let text = readFileSync(new URL(source, example), 'utf8');
  for (const [from, to] of renamed(name)) text = text.replaceAll(from, () => to);
  writeFileSync(join(folder, target), text, { flag: 'wx' });
  writeFileSync(join(folder, FOLDER_MANIFEST), `${JSON.stringify(own, null, 2)}\n`, { flag: 'wx' });
  return [
    { name: FOLDER_MANIFEST, what: 'its name, and how to start it' },
    { name: target, what: 'the plugin' },
  ];
}
