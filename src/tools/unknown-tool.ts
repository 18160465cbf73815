import { GreenroomError } from '../errors.ts';
import { nearestName } from '../text/nearest-name.ts';

/** A message names so many tools at the most. */
const MAX_NAMES = 20;

/** The `E_INPUT` of a call whose tool is not among those that there are. */
export function unknownTool(plugin: string, tool: string, tools: readonly string[]): GreenroomError {
  const nearest = nearestName(tool, tools);
  const meant = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
  const more = tools.length > MAX_NAMES ? ` and ${tools.length - MAX_NAMES} more, see tools("${plugin}")` : '';
  const all = tools.length === 0 ? 'It has none.' : `Its tools: ${tools.slice(0, MAX_NAMES).join(', ')}${more}.`;
  const message = `"${plugin}" has no tool "${tool}".${meant} ${all}`;
  return new GreenroomError('E_INPUT', message, { plugin, details: { tool, tools, nearest } });
}
