import { isObject } from '../json-schema/schema.ts';
import { expectedText, unknownText } from '../text/expected.ts';
import { TOOL_FIELDS } from '../tools/tool.ts';
import type { ManifestIssue } from './manifest-issue.ts';
import { schemaFault } from './schema-fault.ts';

const SCHEMAS: ReadonlySet<string> = new Set(['input_schema', 'output_schema']);

/**
 * The `tools` of a manifest without what is ignored in them: fields that are null, that are unknown, or whose schema is
 * no JSON Schema. A tool without its schema can still be called. `warnings` gets what was left out, but for nulls.
 */
export function usableTools(tools: unknown, warnings: ManifestIssue[]): unknown {
  if (!Array.isArray(tools)) return tools;
  return tools.map((tool: unknown, at) => {
    if (!isObject(tool)) return tool;
    const kept: Record<string, unknown> = {};
    for (const [field, value] of Object.entries(tool)) {
      if (value === null) continue;
      const issue = issueOf(`tools.${at}.${field}`, field, value);
      if (issue === undefined) kept[field] = value;
      else warnings.push(issue);
    }
    return kept;
  });
}

function issueOf(place: string, field: string, value: unknown): ManifestIssue | undefined {
  if (!TOOL_FIELDS.has(field)) return { field: place, reason: `${unknownText('field', field, TOOL_FIELDS)} (ignored)` };
  if (!SCHEMAS.has(field)) return undefined;
  if (!isObject(value)) return { field: place, reason: `${expectedText({ type: 'object' }, value)} (ignored)` };
  const fault = schemaFault(value);
  return fault === undefined ? undefined : { field: place, reason: `${fault} (the tool is used without ${field})` };
}
