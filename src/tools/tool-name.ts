/** The tool that every plugin has: what is called where a call names none. */
export const DEFAULT_TOOL = 'execute';

/** What the name of a tool is made of. */
export const TOOL_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** What a name of a tool has to be, in words. */
export const TOOL_NAME_RULE = '1 to 64 letters, digits, "_", "-" or "."';

/** What the name of any tool is made of: servers of MCP, whose protocol recommends as much, choose more freely than plugins. */
// eslint-disable-next-line no-control-regex
const ANY_NAME = /^[^\s\u0000-\u001f\u007f]{1,128}$/;

/** What it has to be, in words. */
export const ANY_NAME_RULE = '1 to 128 characters, without spaces';

/** Whether it can be the name of a tool of any plugin. */
export function isToolName(name: unknown): name is string {
  return typeof name === 'string' && ANY_NAME.test(name);
}
