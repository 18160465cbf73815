import { createRequire } from 'node:module';
import type * as ajv from 'ajv';
import type * as ajv2020 from 'ajv/dist/2020.js';

/** The dialects of JSON Schema that can be checked. */
export type Dialect = '2020-12' | 'draft-07';

/**
 * Makes a validator of JSON Schema. `format` is an annotation, and unknown keywords are ignored. Ajv is loaded when first
 * needed: it takes as long to load as the rest of the supervisor. Throws the system's error where it cannot be read.
 */
export function makeAjv(dialect: Dialect, options: ajv.Options): ajv.Ajv {
  const settings = { strict: false, logger: false, validateFormats: false, ...options } as const;
  // By `require`, which tries again what could not be read for want of a descriptor; `import()` remembers the failure.
  const require = createRequire(import.meta.url);
  if (dialect === 'draft-07') {
    const { Ajv } = require('ajv') as typeof ajv;
    return new Ajv(settings);
  }
  const { Ajv2020 } = require('ajv/dist/2020.js') as typeof ajv2020;
  return new Ajv2020(settings);
}
