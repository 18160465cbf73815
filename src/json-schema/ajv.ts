import { createRequire } from 'node:module';
import type { Ajv, Options } from 'ajv';

/** The dialects of JSON Schema that can be checked. */
export type Dialect = '2020-12' | 'draft-07';

/**
 * Makes a validator of JSON Schema. `format` is an annotation, and unknown keywords are ignored. Ajv is loaded when first
 * needed: it takes as long to load as the rest of the supervisor. Throws the system's error where it cannot be read.
 */
export function makeAjv(dialect: Dialect, options: Options): Ajv {
  const settings = { strict: false, logger: false, validateFormats: false, ...options } as const;
  // By `require`, which tries again what could not be read for want of a descriptor; `import()` remembers the failure.
  const require = createRequire(import.meta.url);
  if (dialect === 'draft-07') {
    const { Ajv: Ajv07 } = require('ajv') as typeof import('ajv');
    return new Ajv07(settings);
  }
  const { Ajv2020 } = require('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js');
  return new Ajv2020(settings);
}
