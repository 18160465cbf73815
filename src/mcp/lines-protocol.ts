/** What a connection to the daemon is upgraded to for messages of MCP, one a line, both ways. */
export const LINES_PROTOCOL = 'greenroom-mcp-lines';
