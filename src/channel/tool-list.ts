import { z } from 'zod';
import type { ToolList } from '../protocol.ts';
import { zodMessages } from '../text/zod-messages.ts';
import { toolList, toTools } from '../tools/tool.ts';
import { protocolError } from './remote-error.ts';

const schema = z.object({ tools: toolList });

/** Reads a worker's answer to `GET /tools`. Throws `E_PROTOCOL` that names the place where it is no list of tools. */
export function readToolList(plugin: string, answer: unknown): ToolList['tools'] {
  const parsed = schema.safeParse(answer, { error: zodMessages('field') });
  if (parsed.success) return toTools(parsed.data.tools);
  const [issue] = parsed.error.issues;
  const place = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
  throw protocolError(plugin, `answered /tools with a list that is not valid: ${place}${issue?.message ?? ''}`);
}
