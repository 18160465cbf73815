/** The tool that every plugin has: what is called where a call names none. */
export const DEFAULT_TOOL = 'execute';

/** What the name of a tool is made of. */
export const TOOL_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** What a name of a tool has to be, in words. */
export const TOOL_NAME_RULE = '1 to 64 letters, digits, "_", "-" or "."';

/** The longest name of a tool of a server of MCP that is called, in UTF-16 code units; the protocol recommends 128. */
const MAX_LENGTH = 256;

/** Whether it can be the name of a tool of any plugin: servers of MCP choose their names more freely than plugins do. */
export function isToolName(name: unknown): name is string {
  return typeof name === 'string' && name !== '' && name.length <= MAX_LENGTH;
}
