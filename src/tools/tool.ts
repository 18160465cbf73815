import { z } from 'zod';
import type { Tool } from '../protocol.ts';
import { isToolName, TOOL_NAME, TOOL_NAME_RULE } from './tool-name.ts';

const schema = z.record(z.string(), z.unknown());

const tool = z.object({
  name: z
    .string()
    .regex(TOOL_NAME, { error: ({ input }) => `expected ${TOOL_NAME_RULE}, got ${JSON.stringify(input)}` })
    .describe(`The name that calls give: ${TOOL_NAME_RULE}.`),
  description: z.string().optional().describe('What the tool does.'),
  input_schema: schema.optional().describe('The JSON Schema of its named arguments.'),
  output_schema: schema.optional().describe('The JSON Schema of its result, or of each chunk if it streams.'),
  streams: z.boolean().optional().describe('Whether it answers with a stream of chunks.'),
  read_only: z.boolean().optional().describe('Whether it changes nothing.'),
  idempotent: z.boolean().optional().describe('Whether calling it again with the same input changes nothing more.'),
  destructive: z.boolean().optional().describe('Whether it may remove or overwrite what cannot be brought back.'),
});

/** The fields of a tool, by name. */
export const TOOL_FIELDS: ReadonlySet<string> = new Set(Object.keys(tool.shape));

/** A tool of any worker: servers of MCP choose their names more freely, and describe their tools in their own way. */
const anyTool = tool.extend({
  name: z.string().refine(isToolName),
  definition: schema.optional().describe('The tool as its worker describes it, where that is a server of MCP.'),
});

/** A list of tools of plugins of any kind, as Greenroom itself has written it. */
export const anyToolList = z.array(anyTool);

/** A list of tools, each with a name of its own. Fields that a tool does not have are left out. */
export const toolList = z.array(tool).superRefine((tools, context) => {
  const places = new Map<string, number>();
  for (const [at, { name }] of tools.entries()) {
    const first = places.get(name);
    if (first === undefined) places.set(name, at);
    else
      context.addIssue({
        code: 'custom',
        path: [at, 'name'],
        message: `"${name}" is already the name of tools.${first}; give each tool a name of its own`,
      });
  }
});

/** What one of the lists has checked; fields that are absent are not there. */
export function toTools(checked: z.output<typeof anyToolList>): readonly Tool[] {
  return checked as readonly Tool[];
}
