import type { Tool } from '../protocol.ts';
import { isObject, type JsonObject } from './json-rpc.ts';

/** The tool that a definition of `tools/list` describes, which it keeps as it is; undefined where it has no name. */
export function toolOf(definition: JsonObject): Tool | undefined {
  const { name, description, inputSchema, outputSchema, annotations } = definition;
  if (typeof name !== 'string' || name === '') return undefined;
  const hints = isObject(annotations) ? annotations : {};
  const flag = (key: string): boolean | undefined => (typeof hints[key] === 'boolean' ? hints[key] : undefined);
  const [readOnly, idempotent, destructive] = ['readOnlyHint', 'idempotentHint', 'destructiveHint'].map(flag);
  return {
    name,
    ...(typeof description === 'string' && { description }),
    ...(isObject(inputSchema) && { input_schema: inputSchema }),
    ...(isObject(outputSchema) && { output_schema: outputSchema }),
    ...(readOnly !== undefined && { read_only: readOnly }),
    ...(idempotent !== undefined && { idempotent }),
    ...(destructive !== undefined && { destructive }),
    definition,
  };
}

/** Whether a server with sessions runs the tool as a task alone. */
export function isTaskAlone({ execution }: JsonObject): boolean {
  return isObject(execution) && execution['taskSupport'] === 'required';
}

/** A definition that says nothing of tasks. */
export function withoutTasks(definition: JsonObject): JsonObject {
  const { execution, ...others } = definition;
  if (!isObject(execution) || execution['taskSupport'] === undefined) return definition;
  const { taskSupport: _, ...rest } = execution;
  return Object.keys(rest).length === 0 ? others : { ...others, execution: rest };
}

/** A definition as clients are shown it, who call every tool in the same way: the task is our matter. */
export function shownDefinition(definition: JsonObject): JsonObject {
  if (!isTaskAlone(definition)) return definition;
  const { execution: _, ...others } = definition;
  return others;
}
