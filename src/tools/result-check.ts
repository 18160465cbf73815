import { messageOf } from '../errors.ts';
import { jsonView } from '../json/json-view.ts';
import { compileSchema, SchemaFault } from '../json-schema/compile.ts';
import { type Problem, problemsText } from '../json-schema/problems.ts';
import type { Tool } from '../protocol.ts';

/** What is wrong with a result, for an error or a warning. */
export interface ResultFault {
  readonly message: string;
  /** The places that do not fit, at most 20. Empty where the check itself failed. */
  readonly problems: readonly Problem[];
}

/** The check of the results of one tool, or of the chunks of its streams. */
export interface ResultCheck {
  /** Why the tool's schema is no JSON Schema. Any result passes then. */
  readonly schemaProblem: string | undefined;
  /** What is wrong with a result; undefined where it fits. The result is not changed. */
  check(result: unknown): ResultFault | undefined;
}

/**
 * Makes the check of a tool's results ready, which takes some milliseconds; keep it for as long as the tool stays the
 * same. Throws the system's error where the program is short of something.
 */
export function compileResultCheck(tool: Tool, plugin: string): ResultCheck {
  const schema = tool.output_schema;
  if (schema === undefined) return { schemaProblem: undefined, check: () => undefined };
  const result = `${tool.streams === true ? 'A chunk' : 'The result'} of the tool "${tool.name}" of "${plugin}"`;
  try {
    const compiled = compileSchema(schema);
    return {
      schemaProblem: undefined,
      check(value) {
        try {
          const view = jsonView(value);
          if (compiled.fits(view)) return undefined;
          const problems = compiled.problems(view, 'result', value);
          return { message: `${result} does not fit its output schema: ${problemsText(problems)}.`, problems };
        } catch (error) {
          return { message: `${result} cannot be checked: ${messageOf(error)}.`, problems: [] };
        }
      },
    };
  } catch (error) {
    if (error instanceof SchemaFault) return { schemaProblem: error.message, check: () => undefined };
    throw error;
  }
}
