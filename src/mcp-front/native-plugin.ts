import type { CallOptions, Progress } from '../calls/call-options.ts';
import { isTraceparent } from '../calls/traceparent.ts';
import { printedJson } from '../json/printed-json.ts';
import type { Manifest } from '../manifest/schema.ts';
import type { FrontPlugin, ToolJob } from '../mcp/front-plugin.ts';
import type { JsonObject } from '../mcp/json-rpc.ts';
import type { Tool } from '../protocol.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import { shortened } from '../text/shortened.ts';
import { DEFAULT_TOOL } from '../tools/tool-name.ts';
import { metaOf } from './envelope.ts';
import { streamedResult, toolResult } from './native-result.ts';
import { ProgressScale } from './progress-scale.ts';

/** How much of each item of a stream its progress shows, in characters. */
const SHOWN_ITEM = 1_000;

/**
 * A plugin that is no server of MCP as one: its tools as they are described, and calls as the supervisor makes them. A tool
 * that streams is read to its end; the plugin's own `execute` is called for its result, which it may have beside a stream.
 *
 * @param hasJobs whether calls of its tools can be jobs, other than of those that stream
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
        return hasJobs && canBeJob(tool) ? { ...shown, execution: { taskSupport: 'optional' } } : shown;
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
      const streams = tools.find((each) => each.name === tool)?.streams === true;
      const given: CallOptions = {
        signal,
        ...(tool !== DEFAULT_TOOL && { tool }),
        ...(isTraceparent(traceparent) && { traceparent }),
        ...(onProgress !== undefined && { onProgress: tell }),
      };
      if (tool === DEFAULT_TOOL || !streams)
        return resultOfTool(name, tool, await supervisor.execute(name, input, given));
      return streamedResult(await collected(supervisor.stream(name, input, given), tell), addressOf(name, tool));
    },
  };
}

/** The result of `tools/call` for what a tool of a plugin has returned. Throws `JsonLoss` for what JSON cannot say. */
export function resultOfTool(plugin: string, tool: string, value: unknown): JsonObject {
  return toolResult(value, addressOf(plugin, tool));
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
  if (tool === undefined || !canBeJob(tool)) return undefined;
  return {
    tool: name === DEFAULT_TOOL ? undefined : name,
    input: params['arguments'] ?? {},
    // What destroys something is not to be done twice, unless its author says that this is no harm.
    once: tool.destructive === true && tool.idempotent !== true,
  };
}

/** A job has one result, and what only streams has none. */
function canBeJob({ name, streams }: Tool): boolean {
  return name === DEFAULT_TOOL || streams !== true;
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

/** The items of a stream; each is told as it comes. */
async function collected(stream: AsyncIterable<unknown>, tell: (progress: Progress) => void): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of stream) {
    items.push(item);
    tell({ progress: -1, message: itemText(item) });
  }
  return items;
}

function itemText(item: unknown): string {
  if (item instanceof Uint8Array) return `${item.byteLength} bytes`;
  return shortened(typeof item === 'string' ? item : printedJson(item), SHOWN_ITEM);
}
