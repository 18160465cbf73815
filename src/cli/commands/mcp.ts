import { reachDaemon } from '../../mcp-relay/reach-daemon.ts';
import { relay } from '../../mcp-relay/relay.ts';
import { defineCommand, type Values } from '../command.ts';
import { takeInterruption } from '../interruption.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../usage-error.ts';

const options = {
  plugin: { type: 'string', value: 'NAME', help: 'offer this plugin alone, with the names of its own tools' },
  allow: {
    type: 'string',
    multiple: true,
    value: 'PATTERN',
    help: 'offer only the tools of these names, such as files__*; may be repeated',
  },
  deny: { type: 'string', multiple: true, value: 'PATTERN', help: 'offer no tools of these names; may be repeated' },
  compact: { type: 'boolean', help: 'offer three tools by which the model finds, reads about and calls all others' },
  'data-dir': {
    type: 'string',
    value: 'PATH',
    help: 'use the daemon of this data directory; default $GREENROOM_HOME or ~/.greenroom',
  },
} as const;

/** `greenroom mcp`: all plugins as one MCP server on standard input and output. */
export const command = defineCommand({
  usage: 'mcp [trust FILE | distrust FILE]',
  about:
    'Offers the tools of all plugins as one MCP server, on standard input and output: name it in your client\'s\nconfiguration. The plugins run at the daemon, which is started if none runs, and ends by itself some minutes after the\nlast client.\n\n"mcp trust FILE" lets the servers of a project\'s configuration, such as .mcp.json, run as plugins; they are programs that\ncame with the project. A file that changes has to be trusted again.',
  options,
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
    if (action === undefined) return serveClient(values, terminal);
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

async function serveClient(values: Values<typeof options>, terminal: Terminal): Promise<number> {
  const interruption = takeInterruption(terminal, () => process.exit(interruption.status));
  const connect = (signal: AbortSignal) => reachDaemon(values['data-dir'], pathOf(values), signal);
  try {
    const note = (message: string): void => terminal.note(`greenroom: ${message}`);
    await relay({ input: process.stdin, output: process.stdout, connect, note }, interruption.signal);
    return interruption.status ?? 0;
  } finally {
    interruption.release();
    // It would wait for a client that has not ended it.
    process.stdin.destroy();
  }
}

/** Where the front of the daemon is that offers what was asked for. */
function pathOf({ plugin, allow = [], deny = [], compact }: Values<typeof options>): string {
  const query = new URLSearchParams();
  if (allow.length > 0) query.set('allow', allow.join(','));
  if (deny.length > 0) query.set('deny', deny.join(','));
  if (compact === true) query.set('compact', '1');
  const path = plugin === undefined ? '/mcp' : `/mcp/${encodeURIComponent(plugin)}`;
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}
