import { writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { manifestSchema } from './schema.ts';

/** The JSON Schema of a manifest, for editors and other languages. */
export function manifestJsonSchema(): Record<string, unknown> {
  return {
    ...z.toJSONSchema(manifestSchema, { io: 'input', unrepresentable: 'any' }),
    title: 'Greenroom plugin manifest',
    description: 'Describes one plugin: what it is called, how its worker is started, and on which terms.',
  };
}

/** Writes {@link manifestJsonSchema} to a file; the build does. */
export async function writeManifestSchema(file: URL): Promise<void> {
  await writeFile(file, `${JSON.stringify(manifestJsonSchema(), null, 2)}\n`);
}
