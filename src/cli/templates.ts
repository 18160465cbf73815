import { constants, copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { FOLDER_MANIFEST } from '../manifest/search-path.ts';
import type { KindTemplate } from '../worker-kinds/kind.ts';
import { findKind, kindNames } from '../worker-kinds/kinds.ts';

/** The template where none is asked for. */
export const DEFAULT_TEMPLATE = 'python';

/** A file that was written, and what it is. */
export interface WrittenFile {
  readonly name: string;
  readonly what: string;
}

/** The examples of the package are the templates, so that what is written is what is tested. */
const EXAMPLES = new URL('../../examples/', import.meta.url);

const SCHEMA = new URL('../../dist/manifest.schema.json', import.meta.url);
const SCHEMA_IN_PACKAGE = 'node_modules/greenroom/dist/manifest.schema.json';
const SCHEMA_COPY = 'manifest.schema.json';

/** The plugins that can be written, the default first. */
export function templates(): KindTemplate[] {
  const found = kindNames().flatMap((kind) => findKind(kind)?.templates ?? []);
  return found.toSorted((a, b) => Number(b.name === DEFAULT_TEMPLATE) - Number(a.name === DEFAULT_TEMPLATE));
}

/** Writes a plugin into a folder that is there and empty. Throws what the file system throws. */
export function writeTemplate(template: KindTemplate, name: string, folder: string): WrittenFile[] {
  const example = new URL(`${template.example}/`, EXAMPLES);
  const read = (file: string): string => readFileSync(new URL(file, example), 'utf8');
  const write = (file: string, text: string): void => writeFileSync(join(folder, file), text, { flag: 'wx' });
  const { category: _, ...manifest } = JSON.parse(read(FOLDER_MANIFEST)) as Record<string, unknown>;
  const installed = installedSchema(folder);
  const $schema = installed ?? `./${SCHEMA_COPY}`;
  write(FOLDER_MANIFEST, `${JSON.stringify({ $schema, ...manifest, name }, null, 2)}\n`);
  // JSON, Python and JavaScript write such a text alike.
  const exampleName = new RegExp(`(['"])${basename(template.example)}\\1`, 'g');
  for (const file of Object.keys(template.files))
    write(
      file,
      read(file).replace(exampleName, () => JSON.stringify(name)),
    );
  if (installed === undefined) copyFileSync(SCHEMA, join(folder, SCHEMA_COPY), constants.COPYFILE_EXCL);
  const described = {
    [FOLDER_MANIFEST]: 'its name, and how to start it',
    ...template.files,
    ...(installed === undefined && { [SCHEMA_COPY]: 'what a manifest may have, for editors' }),
  };
  return Object.entries(described).map(([name, what]) => ({ name, what }));
}

/**
 * The path from a plugin's folder to the schema of the package that is installed above it, as Node finds packages: it is of
 * the version in use, for everybody who works on the project. Undefined where none is installed; then a copy lies beside the
 * manifest, because a path to a package elsewhere is of this machine alone, and the schema has no address on the web.
 */
function installedSchema(folder: string): string | undefined {
  for (let at = folder; at !== dirname(at); at = dirname(at)) {
    const file = join(dirname(at), SCHEMA_IN_PACKAGE);
    if (existsSync(file)) return relative(folder, file).replaceAll(sep, '/');
  }
  return undefined;
}
