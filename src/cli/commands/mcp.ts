import { defineCommand } from '../command.ts';
import { CLIENT_OPTIONS, serveClient } from '../serve-client.ts';
import { UsageError } from '../usage-error.ts';

/** `greenroom mcp`: all plugins as one MCP server on standard input and output. */
export const command = defineCommand({
  usage: 'mcp [trust FILE | distrust FILE]',
  about:
    'Offers the tools of all plugins as one MCP server, on standard input and output: name it in your client\'s\nconfiguration. The plugins run at the daemon, which is started if none runs, and ends by itself some minutes after the\nlast client.\n\n"mcp trust FILE" lets the servers of a project\'s configuration, such as .mcp.json, run as plugins; they are programs that\ncame with the project. A file that changes has to be trusted again.',
  options: CLIENT_OPTIONS,
  operands: [0, 2],
  examples: [
    ['greenroom mcp', 'what a client runs'],
    ['greenroom mcp --plugin files', 'one plugin'],
    ["greenroom mcp --allow 'files__*' --allow 'memory__*'", 'some tools'],
    ['greenroom mcp trust .mcp.json', 'let the servers of a project run'],
  ],
  statuses: [0, 2, 4, 5, 6, 130],
  async run({ values, operands, terminal }) {
    const [action, file] = operands;
    if (action === undefined) return serveClient(values);
    if ((action !== 'trust' && action !== 'distrust') || file === undefined)
      throw new UsageError(
        action === 'trust' || action === 'distrust'
          ? `Missing argument: name the file to ${action}.`
          : `Unknown argument "${action}".`,
        'It is "greenroom mcp", "greenroom mcp trust FILE" or "greenroom mcp distrust FILE".',
      );
    const { changeTrust } = await import('../mcp-trust.ts');
    return changeTrust(action, file, values['data-dir'], terminal);
  },
});
