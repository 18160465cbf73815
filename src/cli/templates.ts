import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FOLDER_MANIFEST } from '../manifest/search-path.ts';
import type { KindTemplate } from '../worker-kinds/kind.ts';
import { findKind, kindNames } from '../worker-kinds/kinds.ts';

/** A plugin that can be written: what the kind of its worker brings, and the name of that kind. */
export interface Template extends KindTemplate {
  readonly kind: string;
}

/** The kind of a plugin where none is asked for. */
export const DEFAULT_TEMPLATE = 'python';

/** A file that was written, and what it is. */
export interface WrittenFile {
  readonly name: string;
  readonly what: string;
}

/** The examples of the package are the templates, so that what is written is what is tested. */
const EXAMPLES = new URL('../../examples/plugins/', import.meta.url);

/** The plugins that can be written, the default first. */
export function templates(): Template[] {
  const found = kindNames().flatMap((kind) => {
    const template = findKind(kind)?.template;
    return template === undefined ? [] : [{ kind, ...template }];
  });
  return found.toSorted((a, b) => Number(b.kind === DEFAULT_TEMPLATE) - Number(a.kind === DEFAULT_TEMPLATE));
}

/** Writes a plugin into a folder that is there and empty. Throws what the file system throws. */
export function writeTemplate(template: Template, name: string, folder: string): WrittenFile[] {
  const { kind, source, target, fields, renamed } = template;
  const example = new URL(`hello-${kind}/`, EXAMPLES);
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
