import { createRequire } from 'node:module';
import type * as ajv2020 from 'ajv/dist/2020.js';
import { shortageIn } from '../system-error.ts';
import { shown } from '../text/shown.ts';

/** What keeps an object from being a JSON Schema: where in it, as a dotted path, and the value that is there. */
export interface SchemaFault {
  readonly place: string;
  readonly reason: string;
}

let ajv: ajv2020.Ajv2020 | undefined;

/** Loaded when first needed: it takes as long to load as the rest of the supervisor. */
function loadAjv(): ajv2020.Ajv2020 {
  // By `require`, which tries again what could not be read for want of a descriptor; `import()` remembers the failure.
  const { Ajv2020 } = createRequire(import.meta.url)('ajv/dist/2020.js') as typeof ajv2020;
  return new Ajv2020({ strict: false, verbose: true, logger: false, validateFormats: false });
}

/** What is wrong with a JSON Schema (2020-12) by itself, whatever it refers to; undefined where nothing is. */
export function schemaFault(schema: Readonly<Record<string, unknown>>): SchemaFault | undefined {
  // An older dialect's name would be looked up as a schema; what plugins use of it means the same in this one.
  const { $schema: _dialect, ...body } = schema;
  try {
    ajv ??= loadAjv();
  } catch (error) {
    // The host program's own shortage says nothing about the schema.
    if (shortageIn(error) !== undefined) return undefined;
    throw error;
  }
  if (ajv.validateSchema(body) === true) return undefined;
  // Where a part fits none of several kinds of schema, what lies deepest is what is wrong.
  const [deepest] = (ajv.errors ?? []).toSorted((a, b) => b.instancePath.length - a.instancePath.length);
  const place = deepest?.instancePath.slice(1).replaceAll('/', '.') ?? '';
  return { place, reason: `expected JSON Schema (2020-12), got ${shown(deepest?.data)}` };
}
