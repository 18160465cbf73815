import { Arguments } from '../channel/arguments.ts';
import { GreenroomError, messageOf } from '../errors.ts';
import type { Fields } from '../json/fields.ts';
import { jsonView } from '../json/json-view.ts';
import { type CompiledSchema, compileSchema, SchemaFault } from '../json-schema/compile.ts';
import { compileDefaults, type FillDefaults } from '../json-schema/defaults.ts';
import { MAX_PROBLEMS, type Problem, problemsText } from '../json-schema/problems.ts';
import { isObject, type Schema } from '../json-schema/schema.ts';
import type { Tool } from '../protocol.ts';
import { shortageIn } from '../system-error.ts';

/** What a check says of an input: the input to send, or the error to end the call with, an `E_INPUT`. */
export type Checked =
  | { readonly ok: true; readonly input: unknown }
  | { readonly ok: false; readonly error: GreenroomError };

/** The check of the input of calls to one tool. */
export interface InputCheck {
  /** Why the tool's schema is no JSON Schema. Any input passes then: callers cannot do anything about it. */
  readonly schemaProblem: string | undefined;
  /**
   * Checks an input as it is now, and fills in defaults in a copy; where there are none to fill in, the input itself is
   * given. The given input is never written. What cannot be read or is nested too deep passes, as encoding it says where.
   *
   * - An object is the named arguments; nothing at all is none.
   * - A list is the positional arguments, anything else the only one. Each is checked by the property at its place, in
   *   the order in which the schema names them, and no defaults are filled in: the plugin knows its own. Those beyond the
   *   properties are not checked. A single one may also fit the schema as a whole, as a Node plugin takes it; where
   *   the schema is not one of an object, the first one has to. Where an object's schema names no properties itself, none is checked.
   *   Problems call an argument by its property.
   * - {@link Arguments} are both: the positional ones named by their places, and the named ones. One that is given twice is
   *   a problem.
   */
  check(input: unknown): Checked;
}

/**
 * Makes the check of a tool's input ready, which takes some milliseconds; keep it for as long as the tool stays the
 * same. See {@link compileSchema} for what a schema may cost. Throws `E_INPUT` where the program is short of something.
 */
export function compileInputCheck(tool: Tool, plugin: string): InputCheck {
  const schema = tool.input_schema;
  if (schema === undefined) return unchecked(undefined);
  try {
    const compiled = new Check(tool.name, plugin, schema);
    return { schemaProblem: undefined, check: (input) => compiled.check(input) };
  } catch (error) {
    if (error instanceof SchemaFault) return unchecked(error.message);
    const message = `The input of a call to ${calleeText(tool.name, plugin)} cannot be checked now: ${shortageIn(error) ?? messageOf(error)}. Try again.`;
    throw new GreenroomError('E_INPUT', message, { plugin, cause: error });
  }
}

/** The tool of a plugin, in a sentence; of most plugins there is only one. */
function calleeText(tool: string, plugin: string): string {
  return tool === 'execute' ? `"${plugin}"` : `the tool "${tool}" of "${plugin}"`;
}

function givenTwice(name: string): Problem {
  return { path: `input.${name}`, expected: 'one argument', got: 'one by its place and one by its name' };
}

function unchecked(schemaProblem: string | undefined): InputCheck {
  return { schemaProblem, check: (input) => ({ ok: true, input }) };
}

class Check {
  readonly #tool: string;
  readonly #plugin: string;
  readonly #schema: CompiledSchema;
  readonly #fill: FillDefaults;
  /** The names that positional arguments stand for. */
  readonly #names: readonly string[];
  readonly #takesObject: boolean;

  constructor(tool: string, plugin: string, schema: Schema) {
    this.#tool = tool;
    this.#plugin = plugin;
    this.#schema = compileSchema(schema);
    this.#fill = compileDefaults(schema) ?? ((value) => value);
    const { type, properties } = schema;
    this.#names = isObject(properties) ? Object.keys(properties) : [];
    this.#takesObject = type === undefined || (Array.isArray(type) ? type : [type]).includes('object');
  }

  check(input: unknown): Checked {
    if (input instanceof Arguments) return this.#checkArguments(input);
    let filled: unknown;
    let view: unknown;
    try {
      filled = Array.isArray(input) ? input : this.#fill(input === undefined ? {} : input);
      view = jsonView(filled);
    } catch {
      return { ok: true, input };
    }
    try {
      if (Array.isArray(view)) return this.#checkPositional(view, {}, input);
      if (!isObject(view)) return this.#checkPositional([view], {}, input);
      return this.#schema.fits(view)
        ? { ok: true, input: filled }
        : this.#refused(this.#schema.problems(view, 'input', filled));
    } catch (error) {
      return this.#uncheckable(error);
    }
  }

  #checkArguments(input: Arguments): Checked {
    const { args, kwargs } = input;
    if (args.length === 0) return this.check(kwargs);
    let views: readonly unknown[];
    let byName: Fields;
    try {
      views = jsonView(args) as readonly unknown[];
      byName = jsonView(kwargs) as Fields;
    } catch {
      return { ok: true, input };
    }
    const twice = this.#names.slice(0, args.length).filter((name) => Object.hasOwn(byName, name));
    if (twice.length > 0) return this.#refused(twice.slice(0, MAX_PROBLEMS).map(givenTwice));
    try {
      return this.#checkPositional(views, byName, input);
    } catch (error) {
      return this.#uncheckable(error);
    }
  }

  /** @param byName the named arguments beside the positional ones */
  #checkPositional(views: readonly unknown[], byName: Fields, input: unknown): Checked {
    // Without arguments, a Node plugin gets an empty object.
    const first = views.length === 0 ? {} : views[0];
    const given = input instanceof Arguments ? input.args : Array.isArray(input) ? input : [input];
    if (!this.#takesObject) {
      return this.#schema.fits(first)
        ? { ok: true, input }
        : this.#refused(this.#schema.problems(first, 'input', given[0]));
    }
    if (views.length === 1 && this.#schema.fits(first)) return { ok: true, input };
    if (this.#names.length === 0) return { ok: true, input };
    const named = this.#named(views, byName);
    if (this.#schema.fits(named)) return { ok: true, input };
    const kwargs = input instanceof Arguments ? input.kwargs : {};
    return this.#refused(this.#schema.problems(named, 'input', this.#named(given, kwargs)));
  }

  /** Positional arguments by the names of the properties at their places, and named ones. */
  #named(args: readonly unknown[], kwargs: Fields): Fields {
    const names = this.#names.slice(0, args.length);
    return Object.fromEntries([...names.map((name, at) => [name, args[at]] as const), ...Object.entries(kwargs)]);
  }

  #refused(problems: readonly Problem[]): Checked {
    const said = problemsText(problems);
    const end = said.endsWith('?') ? '' : '.';
    const message = `The input of a call to ${this.#callee} does not fit its schema: ${said}${end} tools("${this.#plugin}") lists the schema.`;
    return {
      ok: false,
      error: new GreenroomError('E_INPUT', message, { plugin: this.#plugin, details: { problems } }),
    };
  }

  #uncheckable(cause: unknown): Checked {
    const message = `The input of a call to ${this.#callee} cannot be checked: ${messageOf(cause)}. Look in its schema for a "$ref" that leads to itself.`;
    return { ok: false, error: new GreenroomError('E_INPUT', message, { plugin: this.#plugin, cause }) };
  }

  get #callee(): string {
    return calleeText(this.#tool, this.#plugin);
  }
}
