import { writeJson } from '../json/exact-json.ts';
import { nearestName } from '../text/nearest-name.ts';
import { isLibrarySchema } from './json-schema.ts';
import { EXECUTE } from './plugin.ts';
import { isStandardSchema } from './standard-schema.ts';

const METHODS = ['execute', 'initialize', 'stream', 'release', 'cleanup'] as const;

/** What describes or completes a plugin's own `execute`, and means nothing without it. */
const OF_EXECUTE = ['stream', 'input', 'output'] as const;

const TOOL_METHODS = ['execute', 'stream'] as const;
const TOOL_FLAGS = ['readOnly', 'idempotent', 'destructive'] as const;
const TOOL_MEMBERS: ReadonlySet<string> = new Set([...TOOL_METHODS, 'description', 'input', 'output', ...TOOL_FLAGS]);
const TOOL_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** What keeps a value from being a plugin, as a sentence; `undefined` where nothing does. `name` is not asked for. */
export function shapeProblem(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return `a plugin is an object, not ${describe(value)}.`;
  if (value instanceof Promise) return 'a plugin is an object, not a Promise: "export default await …" waits for it.';
  // As lookups see them, so that the methods of a class count; and no others, as each may be a getter that throws.
  const tools: unknown = Reflect.get(value, 'tools');
  const runs = Reflect.get(value, EXECUTE) !== undefined;
  if (!runs && isEmpty(tools)) return 'a plugin needs an execute(input, ctx) function, or tools.';
  for (const method of METHODS) {
    const problem = functionProblem(method, Reflect.get(value, method));
    if (problem !== undefined) return problem;
  }
  const config: unknown = Reflect.get(value, 'config');
  if (config !== undefined && !isSchemaObject(config))
    return `config must be a schema object, not ${describe(config)}.`;
  for (const member of OF_EXECUTE) {
    if (!runs && Reflect.get(value, member) !== undefined)
      return `${member} belongs to execute(input, ctx), which is missing; a tool can have its own ${member}.`;
  }
  return schemasProblem('', value) ?? toolsProblem(tools, runs);
}

/** What is wrong with a plugin's name, as a sentence. */
export function nameProblem(plugin: object): string | undefined {
  const name: unknown = Reflect.get(plugin, 'name');
  return typeof name === 'string' && name !== '' ? undefined : 'name must be a string that is not empty.';
}

function toolsProblem(tools: unknown, runs: boolean): string | undefined {
  if (tools === undefined) return undefined;
  if (typeof tools !== 'object' || tools === null || Array.isArray(tools))
    return `tools must be an object of tools by their names, not ${describe(tools)}.`;
  for (const [name, tool] of Object.entries(tools)) {
    if (!TOOL_NAME.test(name))
      return `tools: the name "${name}" must be 1 to 64 of the characters A-Z, a-z, 0-9, "_", "-" and ".".`;
    if (runs && name === EXECUTE)
      return 'tools.execute: the plugin has an execute(input, ctx) of its own; give the tool another name.';
    const problem = toolProblem(`tools.${name}`, tool);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function toolProblem(place: string, tool: unknown): string | undefined {
  if (typeof tool !== 'object' || tool === null || Array.isArray(tool))
    return `${place} must be an object with an execute(input, ctx) function, not ${describe(tool)}.`;
  for (const member of Object.keys(tool)) {
    // A tool may have members of its own, for its methods.
    const meant = TOOL_MEMBERS.has(member) ? undefined : nearestName(member, TOOL_MEMBERS);
    if (meant !== undefined && !Object.hasOwn(tool, meant))
      return `${place}.${member} is no member of a tool; did you mean "${meant}"?`;
  }
  for (const method of TOOL_METHODS) {
    const problem = functionProblem(`${place}.${method}`, Reflect.get(tool, method));
    if (problem !== undefined) return problem;
  }
  if (TOOL_METHODS.every((method) => Reflect.get(tool, method) === undefined))
    return `${place} needs an execute(input, ctx) or a stream(input, ctx) function.`;
  const description: unknown = Reflect.get(tool, 'description');
  if (description !== undefined && typeof description !== 'string')
    return `${place}.description must be a string, not ${describe(description)}.`;
  for (const flag of TOOL_FLAGS) {
    const given: unknown = Reflect.get(tool, flag);
    if (given !== undefined && typeof given !== 'boolean')
      return `${place}.${flag} must be true or false, not ${describe(given)}.`;
  }
  return schemasProblem(`${place}.`, tool);
}

function schemasProblem(prefix: string, owner: object): string | undefined {
  const input: unknown = Reflect.get(owner, 'input');
  const problem =
    schemaProblem(`${prefix}input`, input) ?? schemaProblem(`${prefix}output`, Reflect.get(owner, 'output'));
  if (problem !== undefined || !isObject(input) || isLibrarySchema(input)) return problem;
  const type: unknown = Reflect.get(input, 'type');
  return type === undefined || type === 'object'
    ? undefined
    : `${prefix}input must be the schema of an object, whose fields are the arguments; its type is ${JSON.stringify(type)}.`;
}

function schemaProblem(place: string, schema: unknown): string | undefined {
  if (schema === undefined) return undefined;
  if (!isSchemaObject(schema) || Array.isArray(schema))
    return `${place} must be a schema of a library such as zod, or a JSON Schema, not ${describe(schema)}.`;
  if (isLibrarySchema(schema)) return undefined;
  if (Object.values(schema).some((field) => isObject(field) && isStandardSchema(field)))
    return `${place} must be one schema, not an object of schemas: wrap it, as z.object({ … }) does.`;
  try {
    writeJson(schema, place);
    return undefined;
  } catch (error) {
    return `a JSON Schema is plain data, but ${(error as Error).message}.`;
  }
}

function functionProblem(place: string, member: unknown): string | undefined {
  return member === undefined || typeof member === 'function'
    ? undefined
    : `${place} must be a function, not ${describe(member)}.`;
}

function isEmpty(tools: unknown): boolean {
  return tools === undefined || (typeof tools === 'object' && tools !== null && Object.keys(tools).length === 0);
}

/** Whether it may be a schema: any object, and the functions that are the schemas of some libraries. */
function isSchemaObject(value: unknown): value is object {
  return isObject(value) && (typeof value !== 'function' || isLibrarySchema(value));
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'function' ? 'a function' : typeof value;
}
