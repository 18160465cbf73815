import { hasPlainPrototype, isPlainInstance, MAX_DEPTH } from '../json/exact-json.ts';
import { copyFields, type Fields, setField } from '../json/fields.ts';
import { frozen } from '../json/frozen.ts';
import { lookUpReference } from '../json/json-pointer.ts';

import { isObject, type Schema } from './schema.ts';

/** Gives a value with the defaults for what it lacks: the value itself where it lacks nothing, else a copy. */
export type FillDefaults = (value: unknown) => unknown;

/**
 * The defaults of a schema, made ready; undefined where it has none. They are filled in at any depth where the object
 * around them is there, through `properties`, `additionalProperties`, `items`, `prefixItems`, `allOf` and `$ref` within the
 * schema; not in branches such as `anyOf`, of which it is not known which one counts. What is filled in is frozen. Ajv
 * would write them into the value itself.
 *
 * The function throws where a value cannot be read, or is nested deeper than can be sent.
 */
export function compileDefaults(schema: Schema): FillDefaults | undefined {
  const plans = new Plans(schema);
  const plan = plans.of(schema);
  plans.prune();
  return plan.isNeeded ? (value) => filled(value, plan, MAX_DEPTH) : undefined;
}

/** What there is to fill in in a value of one schema. */
interface Plan {
  fields: Field[];
  /** What is done to fields that `properties` does not name. */
  others: Plan | undefined;
  names: ReadonlySet<string>;
  /** What is done to the first items of a list, and to those after them. */
  firstItems: (Plan | undefined)[];
  items: Plan | undefined;
  /** Whether there is a default in it, at whatever depth. */
  isNeeded: boolean;
}

interface Field {
  readonly name: string;
  /** Whether every object has something by this name. */
  readonly isInherited: boolean;
  /** Undefined where there is none: JSON has no such value. */
  readonly value: unknown;
  readonly plan: Plan | undefined;
}

class Plans {
  readonly #root: Schema;
  readonly #known = new Map<unknown, Plan>();

  constructor(root: Schema) {
    this.#root = root;
  }

  of(schema: unknown): Plan {
    const known = this.#known.get(schema);
    if (known !== undefined) return known;
    const plan: Plan = {
      fields: [],
      others: undefined,
      names: new Set(),
      firstItems: [],
      items: undefined,
      isNeeded: false,
    };
    // Before its parts are looked at, as it may be one of them.
    this.#known.set(schema, plan);
    const parts = this.#partsOf(schema);
    const properties = parts.flatMap((part) =>
      isObject(part['properties']) ? Object.entries(part['properties']) : [],
    );
    plan.fields = properties.map(([name, property]) => ({
      name,
      isInherited: name in Object.prototype,
      value: this.#defaultOf(property),
      plan: this.of(property),
    }));
    plan.names = new Set(properties.map(([name]) => name));
    for (const part of parts) {
      const { additionalProperties, patternProperties, prefixItems, items } = part;
      if (isObject(additionalProperties) && patternProperties === undefined)
        plan.others = this.of(additionalProperties);
      // In draft 7 a list of schemas stands in `items`.
      const first = Array.isArray(items) ? items : prefixItems;
      if (Array.isArray(first)) plan.firstItems = first.map((item) => this.of(item));
      if (isObject(items)) plan.items = this.of(items);
    }
    return plan;
  }

  /** Forgets where there is nothing to fill in. */
  prune(): void {
    const plans = [...this.#known.values()];
    let isChanged = true;
    while (isChanged) {
      isChanged = false;
      for (const plan of plans) {
        if (plan.isNeeded || !hasDefaults(plan)) continue;
        plan.isNeeded = true;
        isChanged = true;
      }
    }
    for (const plan of plans) {
      plan.fields = plan.fields
        .map((field) => ({ ...field, plan: needed(field.plan) }))
        .filter((field) => field.value !== undefined || field.plan !== undefined);
      plan.others = needed(plan.others);
      plan.firstItems = plan.firstItems.map(needed);
      plan.items = needed(plan.items);
    }
  }

  /** A schema and those that its `$ref` and `allOf` lay on the same value. */
  #partsOf(schema: unknown, found: Schema[] = []): Schema[] {
    if (!isObject(schema) || found.includes(schema)) return found;
    found.push(schema);
    const { $ref, allOf } = schema;
    if (typeof $ref === 'string') this.#partsOf(lookUpReference($ref, this.#root), found);
    if (Array.isArray(allOf)) for (const part of allOf) this.#partsOf(part, found);
    return found;
  }

  #defaultOf(property: unknown): unknown {
    const part = this.#partsOf(property).find((candidate) => candidate['default'] !== undefined);
    return part === undefined ? undefined : frozen(structuredClone(part['default']));
  }
}

function hasDefaults({ fields, others, firstItems, items }: Plan): boolean {
  return (
    fields.some(({ value, plan }) => value !== undefined || plan?.isNeeded === true) ||
    [others, items, ...firstItems].some((plan) => plan?.isNeeded === true)
  );
}

function needed(plan: Plan | undefined): Plan | undefined {
  return plan?.isNeeded === true ? plan : undefined;
}

function filled(value: unknown, plan: Plan, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) throw new RangeError('nested too deep');
  if (Array.isArray(value)) return filledList(value, plan, depth - 1);
  return isOpen(value) ? filledFields(value as Fields, plan, depth - 1) : value;
}

/** Whether an object's fields are what is sent of it. */
function isOpen(value: object): boolean {
  const { toJSON, toTempFile } = value as { toJSON?: unknown; toTempFile?: unknown };
  return (
    typeof toJSON !== 'function' &&
    typeof toTempFile !== 'function' &&
    (hasPlainPrototype(value) || isPlainInstance(value))
  );
}

function filledFields(given: Fields, plan: Plan, depth: number): Fields {
  // Of another object, what it has inherited is not sent.
  const value = hasPlainPrototype(given) ? given : copyFields(given);
  let copy: Fields | undefined;
  for (const { name, isInherited, value: byDefault, plan: inner } of plan.fields) {
    const field = isInherited && !Object.hasOwn(value, name) ? undefined : value[name];
    const present = field === undefined ? byDefault : field;
    const full = inner === undefined ? present : filled(present, inner, depth);
    if (full !== field) setField((copy ??= copyFields(value)), name, full);
  }
  if (plan.others !== undefined) {
    for (const name of Object.keys(value)) {
      if (plan.names.has(name)) continue;
      const full = filled(value[name], plan.others, depth);
      if (full !== value[name]) setField((copy ??= copyFields(value)), name, full);
    }
  }
  return copy ?? given;
}

function filledList(list: readonly unknown[], { firstItems, items }: Plan, depth: number): readonly unknown[] {
  if (items === undefined && firstItems.length === 0) return list;
  let copy: unknown[] | undefined;
  const count = items === undefined ? Math.min(list.length, firstItems.length) : list.length;
  for (let at = 0; at < count; at += 1) {
    const plan = at < firstItems.length ? firstItems[at] : items;
    const full = plan === undefined ? list[at] : filled(list[at], plan, depth);
    if (full !== list[at]) (copy ??= [...list])[at] = full;
  }
  return copy ?? list;
}
