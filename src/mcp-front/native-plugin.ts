import type { CallOptions, Progress } from '../calls/call-options.ts';
import { collectedChunks } from '../calls/collected-chunks.ts';
import { isTraceparent } from '../calls/traceparent.ts';
import type { Manifest } from '../manifest/schema.ts';
import type { FrontPlugin, ToolJob } from '../mcp/front-plugin.ts';
import type { JsonObject } from '../mcp/json-rpc.ts';
import type { Tool } from '../protocol.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import { DEFAULT_TOOL } from '../tools/tool-name.ts';
import { metaOf } from './envelope.ts';
import { streamedResult, toolResult } from './native-result.ts';
import { ProgressScale } from './progress-scale.ts';

/**
 * A plugin that is no server of MCP as one: its tools as they are described, and calls as the supervisor makes them. A tool
 * that streams is read to its end; the plugin's own `execute` is called for its result, which it may have beside a stream.
 *
 * @param hasJobs whether calls of its tools can be jobs
 */
export function nativePlugin(
  supervisor: Pick<Supervisor, 'tools' | 'execute' | 'stream' | 'installing'>,
  { name, description }: Pick<Manifest, 'name' | 'description'>,
  hasJobs = false,
): FrontPlugin {
  return {
    name,
    ...(hasJobs && { jobOf: (params: JsonObject) => jobOf(supervisor, name, params) }),
    instructions: () => description,
    installing: () => supervisor.installing(name),
    async listTools() {
      const tools = await supervisor.tools(name);
      return tools.map((tool) => {
        const shown = shownTool(tool, description);
        return hasJobs ? { ...shown, execution: { taskSupport: 'optional' } } : shown;
      });
    },
    async callTool(params, { signal, onProgress }) {
      const tool = String(params['name']);
      const input = params['arguments'] ?? {};
      const scale = new ProgressScale();
      const tell = (progress: Progress): void => onProgress?.(scale.next(progress));
      const { traceparent } = metaOf(params);
      // Until its tools are known, no input is checked by their schemas, and none is known to stream.
      const tools = await supervisor.tools(name);
      const called = tools.find((each) => each.name === tool);
      const given: CallOptions = {
        signal,
        ...(tool !== DEFAULT_TOOL && { tool }),
        ...(isTraceparent(traceparent) && { traceparent }),
        ...(onProgress !== undefined && { onProgress: tell }),
      };
      if (called === undefined || !isReadAsStream(called))
        return resultOfTool(name, tool, await supervisor.execute(name, input, given));
      return resultOfStream(name, tool, await collectedChunks(name, supervisor.stream(name, input, given), tell));
    },
  };
}

/** The result of `tools/call` for what a tool of a plugin has returned. Throws `JsonLoss` for what JSON cannot say. */
export function resultOfTool(plugin: string, tool: string, value: unknown): JsonObject {
  return toolResult(value, addressOf(plugin, tool));
}

/** The same for the chunks of one that streams. */
export function resultOfStream(plugin: string, tool: string, chunks: readonly unknown[]): JsonObject {
  return streamedResult(chunks, addressOf(plugin, tool));
}

function addressOf(plugin: string, tool: string): string {
  return `greenroom://${encodeURIComponent(plugin)}/${tool}`;
}

async function jobOf(
  supervisor: Pick<Supervisor, 'tools'>,
  plugin: string,
  params: JsonObject,
): Promise<ToolJob | undefined> {
  const name = String(params['name']);
  const tool = (await supervisor.tools(plugin)).find((each) => each.name === name);
  if (tool === undefined) return undefined;
  return {
    tool: name === DEFAULT_TOOL ? undefined : name,
    input: params['arguments'] ?? {},
    // What destroys something is not to be done twice, unless its author says that this is no harm.
    once: tool.destructive === true && tool.idempotent !== true,
    stream: isReadAsStream(tool),
  };
}

/** Whether a tool is called for its stream. The plugin's own `execute` is called for its result. */
function isReadAsStream({ name, streams }: Tool): boolean {
  return name !== DEFAULT_TOOL && streams === true;
}

/** A tool as `tools/list` gives it. */
export function shownTool(tool: Tool, ofPlugin?: string): JsonObject {
  const { name, description = ofPlugin, input_schema, output_schema, streams } = tool;
  const annotations = {
    ...(tool.read_only !== undefined && { readOnlyHint: tool.read_only }),
    ...(tool.idempotent !== undefined && { idempotentHint: tool.idempotent }),
    ...(tool.destructive !== undefined && { destructiveHint: tool.destructive }),
  };
  return {
    name,
    ...(description !== undefined && description !== '' && { description }),
    inputSchema: { ...input_schema, type: 'object' },
    // That of a stream is the schema of each item, and clients check the whole by it.
    ...(output_schema?.['type'] === 'object' && streams !== true && { outputSchema: output_schema }),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
}
