import { type Tool, UNKNOWN_TOOL, type WireError } from '../protocol.ts';
import { requestError } from './http-answers.ts';
import { jsonSchemaOf, type SchemaSide } from './json-schema.ts';
import type { AnyPlugin } from './load-plugin.ts';
import { stringify } from './originals.ts';
import { EXECUTE, type JsonSchema, type PluginTool, type Schema } from './plugin.ts';
import { createPluginLog } from './plugin-log.ts';

/** A tool of whose types nothing is known. A plugin with an `execute` is one itself. */
export type AnyTool = PluginTool<unknown, unknown>;

/** What a plugin can be called for, by name. */
export type Tools = ReadonlyMap<string, AnyTool>;

/** The tools of a plugin by name, its own `execute` first. */
export function toolsOf(plugin: AnyPlugin): Tools {
  const tools = new Map<string, AnyTool>();
  if (plugin.execute !== undefined) tools.set(EXECUTE, plugin);
  for (const [name, tool] of Object.entries(plugin.tools ?? {})) tools.set(name, tool);
  return tools;
}

/** The error of a call to a tool that is missing. */
export function unknownTool(name: string, tools: Tools): WireError {
  return requestError(UNKNOWN_TOOL, `There is no tool "${name}"; the tools are ${[...tools.keys()].join(', ')}.`);
}

/** The tools of a plugin as the protocol describes them, its own `execute` first; what is not known is left out. */
export function describeTools(plugin: AnyPlugin): Tool[] {
  const tools = Object.entries(plugin.tools ?? {}).map(([name, tool]) => ({
    ...describeCallable(name, tool),
    ...(tool.readOnly !== undefined && { read_only: tool.readOnly }),
    ...(tool.idempotent !== undefined && { idempotent: tool.idempotent }),
    ...(tool.destructive !== undefined && { destructive: tool.destructive }),
  }));
  return plugin.execute === undefined ? tools : [describeCallable(EXECUTE, plugin), ...tools];
}

function describeCallable(name: string, { description, input, output, stream }: AnyTool): Tool {
  const inputSchema = objectSchemaOf(name, input);
  const outputSchema = schemaOf(name, output, 'output');
  return {
    name,
    ...(typeof description === 'string' && { description }),
    ...(inputSchema !== undefined && { input_schema: inputSchema }),
    ...(outputSchema !== undefined && { output_schema: outputSchema }),
    ...(stream !== undefined && { streams: true }),
  };
}

/** An input that is no object has no named arguments; the worker alone checks it. */
function objectSchemaOf(name: string, input: AnyTool['input']): JsonSchema | undefined {
  const schema = schemaOf(name, input, 'input');
  const type = schema?.['type'];
  if (type === undefined || type === 'object') return schema;
  createPluginLog().warn(
    `The input schema of tool "${name}" is not listed: its type is ${stringify(type)}, not "object".`,
  );
  return undefined;
}

function schemaOf(name: string, schema: Schema<unknown> | undefined, side: SchemaSide): JsonSchema | undefined {
  return schema === undefined ? undefined : jsonSchemaOf(schema, side, `${side} schema of tool "${name}"`);
}
