import type { Ajv, Options, SchemaObject, ValidateFunction } from 'ajv';
import { messageOf } from '../errors.ts';
import { isDeeperThan, MAX_LEVELS } from '../json/json-depth.ts';
import { jsonView } from '../json/json-view.ts';
import { shortageIn } from '../system-error.ts';
import { sentence } from '../text/sentence.ts';
import { type Dialect, makeAjv } from './ajv.ts';
import { BYTES_KEYWORD, isBytesOrText, takingBytes } from './bytes.ts';
import { MAX_PROBLEMS, type Problem, problemsOf, problemText } from './problems.ts';
import { isObject, type Schema } from './schema.ts';

/** A schema, made ready to check values with. */
export interface CompiledSchema {
  /** Whether a value fits; a value as `jsonView` gives it. Throws where the schema cannot be followed to an end. */
  fits(view: unknown): boolean;
  /**
   * Where a value that does not fit does not, at most {@link MAX_PROBLEMS} places. `name` is what it is called, `given`
   * the value of the view, in which large integers are exact.
   */
  problems(view: unknown, name: string, given?: unknown): readonly Problem[];
}

/** Why a value is no JSON Schema, in one sentence. */
export class SchemaFault extends Error {
  override readonly name = 'SchemaFault';
}

/**
 * Why a value is no JSON Schema that values can be checked by, in one sentence; undefined where it is one. It is read as
 * draft 2020-12, or as draft 7 where its `$schema` names that or an older one. References are followed only within it.
 * Throws the system's error where the program is short of something.
 */
export function schemaProblem(schema: unknown): string | undefined {
  try {
    compileSchema(schema);
    return undefined;
  } catch (error) {
    if (error instanceof SchemaFault) return error.message;
    throw error;
  }
}

/**
 * Makes a schema ready. Takes some milliseconds. Throws {@link SchemaFault}, or the system's error where the program is
 * short of something.
 *
 * What a schema can do to its host is to take long: by a `pattern` that backtracks, and by `uniqueItems` for a long list
 * of objects. It runs no code.
 */
export function compileSchema(given: unknown): CompiledSchema {
  if (!isObject(given)) throw new SchemaFault('A JSON Schema must be an object.');
  if (isDeeperThan(MAX_LEVELS, given)) throw new SchemaFault(`It is nested more than ${MAX_LEVELS} levels deep.`);
  const dialect = dialectOf(given);
  // The dialect's name and that of the schema would be looked up, and remembered.
  const { $schema: _dialect, $id: _id, ...schema } = jsonView(given) as Schema;
  const text = JSON.stringify(schema);
  const body = text.includes('"contentEncoding"') ? takingBytes(schema) : schema;
  try {
    requireValid(dialect, schema);
    const validate = compile(dialect, body, { messages: false });
    // Needed only for values that do not fit.
    let validateAll: ValidateFunction | undefined;
    return {
      fits: validate,
      problems(view, name, given) {
        validateAll ??= compile(dialect, body, {
          allErrors: true,
          verbose: true,
          messages: false,
          // The items that "contains" does not look for are no errors, however many.
          ...(text.includes('"contains"') ? {} : { code: { process: endingLoops } }),
        });
        validateAll(view);
        return problemsOf(validateAll.errors ?? [], schema, view, name, given);
      },
    };
  } catch (error) {
    if (error instanceof SchemaFault || shortageIn(error) !== undefined) throw error;
    throw new SchemaFault(reasonOf(error), { cause: error });
  }
}

/** Draft 2020-12 unless an older one is named. What drafts 4 to 6 have in common with draft 7 means the same in it. */
function dialectOf({ $schema }: Schema): Dialect {
  return typeof $schema === 'string' && /draft-0[4-7]/.test($schema) ? 'draft-07' : '2020-12';
}

/** Those that know the dialects themselves, kept as it takes tens of milliseconds to make them. */
const judges = new Map<Dialect, Ajv>();

function requireValid(dialect: Dialect, schema: Schema): void {
  let judge = judges.get(dialect);
  if (judge === undefined) {
    judge = makeAjv(dialect, { verbose: true, allErrors: true, messages: false });
    judges.set(dialect, judge);
  }
  if (judge.validateSchema(schema) === true) return;
  const [problem] = problemsOf(judge.errors ?? [], {}, schema, 'schema');
  throw new SchemaFault(
    problem === undefined
      ? 'It is not valid.'
      : sentence(`It is not valid JSON Schema (${dialect}): ${problemText(problem)}`),
  );
}

/**
 * Each by an Ajv of its own: one that compiles several schemas lets them refer to one another by the `$id` of their parts,
 * and never forgets one.
 */
function compile(dialect: Dialect, schema: Schema, options: Options): ValidateFunction {
  // With `ownProperties`, as an object has inherited a `constructor` and others that are not sent.
  const ajv = makeAjv(dialect, { ...options, ownProperties: true, meta: false, validateSchema: false });
  ajv.addKeyword({ keyword: BYTES_KEYWORD, validate: isBytesOrText, errors: false });
  return ajv.compile(schema as SchemaObject);
}

/**
 * The code of a validator that collects all errors, with loops over items and fields that end once they have found
 * enough: of a long list in which everything is wrong the rest says nothing new. A loop counts only its own errors, so
 * that what a branch of an `anyOf` finds wrong does not keep the next one from being tried.
 */
function endingLoops(code: string): string {
  let loops = 0;
  return code.replaceAll(LOOP, (loop) => {
    loops += 1;
    return `const before${loops} = errors; ${loop}if (errors - before${loops} >= ${MAX_PROBLEMS}) break;`;
  });
}

const LOOP = /for\((?:let i\d+=\d+; i\d+<len\d+; i\d+\+\+|const key\d+ (?:in|of) [^{}]+)\)\{/g;

function reasonOf(error: unknown): string {
  if (error instanceof Error && 'missingRef' in error) {
    return `Its "$ref" to ${JSON.stringify(error.missingRef)} cannot be followed: only parts of the schema itself can be referred to.`;
  }
  if (error instanceof SyntaxError) return `A "pattern" in it is not valid: ${error.message}.`;
  return `It cannot be compiled: ${messageOf(error)}.`;
}
