import { wrongArgument } from '../argument-checks.ts';
import { hasPlainPrototype } from '../json/exact-json.ts';
import { copyFields } from '../json/fields.ts';

/**
 * An input with positional and keyword arguments: `new Arguments(['notes.txt'], { limit: 3 })`. What the list and the
 * object hold is taken over at once; the values in them are read at the call, as those of any input.
 */
export class Arguments {
  // No fields of its own, so that one within a value is refused.
  readonly #args: readonly unknown[];
  readonly #kwargs: Readonly<Record<string, unknown>>;

  /** Throws `E_OPTIONS` for anything but a list and a plain object. */
  constructor(args: readonly unknown[] = [], kwargs: Readonly<Record<string, unknown>> = {}) {
    if (!Array.isArray(args)) throw wrongArgument('The positional arguments of new Arguments()', 'a list', args);
    if (!isPlainObject(kwargs)) {
      throw wrongArgument('The keyword arguments of new Arguments()', 'a plain object of values by name', kwargs);
    }
    this.#args = Object.freeze([...(args as readonly unknown[])]);
    this.#kwargs = Object.freeze(copyFields(kwargs));
  }

  /** The positional arguments, in a list that is frozen. */
  get args(): readonly unknown[] {
    return this.#args;
  }

  /** The keyword arguments, in an object that is frozen. */
  get kwargs(): Readonly<Record<string, unknown>> {
    return this.#kwargs;
  }
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return hasPlainPrototype(value) && typeof (value as { toJSON?: unknown }).toJSON !== 'function';
}
