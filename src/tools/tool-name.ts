/** The tool that every plugin has: what is called where a call names none. */
export const DEFAULT_TOOL = 'execute';

/** What the name of a tool is made of. */
export const TOOL_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** What a name of a tool has to be, in words. */
export const TOOL_NAME_RULE = '1 to 64 letters, digits, "_", "-" or "."';

/** Whether it can be the name of a tool. */
export function isToolName(name: unknown): name is string {
  return typeof name === 'string' && TOOL_NAME.test(name);
}
