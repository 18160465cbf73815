import type { Tool } from '../protocol.ts';
import { compileInputCheck, type InputCheck } from './input-check.ts';
import { compileResultCheck, type ResultCheck } from './result-check.ts';

type Schema = NonNullable<Tool['input_schema']>;

/** The checks of the tools of one plugin, made ready at the first call that needs them. */
export class ToolChecks {
  readonly #plugin: string;
  readonly #inputs = new WeakMap<Schema, InputCheck>();
  readonly #results = new WeakMap<Schema, ResultCheck>();
  /** The schemas by which a result has been looked at unasked. */
  readonly #looked = new WeakSet<Schema>();

  constructor(plugin: string) {
    this.#plugin = plugin;
  }

  /** The input of a call as it is to be sent. Throws `E_INPUT` where it does not fit. */
  input(name: string, schema: Schema, input: unknown): unknown {
    let check = this.#inputs.get(schema);
    if (check === undefined) {
      check = compileInputCheck({ name, input_schema: schema }, this.#plugin);
      this.#inputs.set(schema, check);
    }
    const checked = check.check(input);
    if (!checked.ok) throw checked.error;
    return checked.input;
  }

  /** The check of a tool's results, or of the chunks of its streams. */
  results(name: string, schema: Schema, streams: boolean): ResultCheck {
    let check = this.#results.get(schema);
    if (check === undefined) {
      check = compileResultCheck({ name, output_schema: schema, streams }, this.#plugin);
      this.#results.set(schema, check);
    }
    return check;
  }

  /** Whether a result is to be looked at though the caller has not asked for it: the first of each tool. */
  looksAt(schema: Schema): boolean {
    if (this.#looked.has(schema)) return false;
    this.#looked.add(schema);
    return true;
  }
}
