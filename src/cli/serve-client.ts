import { constants } from 'node:os';
import { reachDaemon } from '../mcp-relay/reach-daemon.ts';
import { relay } from '../mcp-relay/relay.ts';

/** What `greenroom mcp` takes for a client. */
export const CLIENT_OPTIONS = {
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

/** What was given for {@link CLIENT_OPTIONS}. */
export interface ClientValues {
  readonly plugin?: string | undefined;
  readonly allow?: readonly string[] | undefined;
  readonly deny?: readonly string[] | undefined;
  readonly compact?: boolean | undefined;
  readonly 'data-dir'?: string | undefined;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Joins the client on standard input and output with the daemon, until either the client or a signal ends it. Resolves to
 * the exit status; rejects with `E_DAEMON` where the daemon refuses what was asked for.
 */
export async function serveClient(values: ClientValues): Promise<number> {
  const over = new AbortController();
  let status = 0;
  const onSignal = (name: NodeJS.Signals): void => {
    status = 128 + constants.signals[name];
    over.abort(name);
  };
  for (const name of SIGNALS) process.once(name, onSignal);
  const connect = (signal: AbortSignal) => reachDaemon(values['data-dir'], pathOf(values), signal);
  const note = (message: string): void => void process.stderr.write(`greenroom: ${message}\n`);
  try {
    await relay({ input: process.stdin, output: process.stdout, connect, note }, over.signal);
    return status;
  } finally {
    for (const name of SIGNALS) process.off(name, onSignal);
    // It would wait for a client that has not ended it.
    process.stdin.destroy();
  }
}

/** Where the front of the daemon is that offers what was asked for. */
function pathOf({ plugin, allow = [], deny = [], compact }: ClientValues): string {
  const query = new URLSearchParams();
  if (allow.length > 0) query.set('allow', allow.join(','));
  if (deny.length > 0) query.set('deny', deny.join(','));
  if (compact === true) query.set('compact', '1');
  const path = plugin === undefined ? '/mcp' : `/mcp/${encodeURIComponent(plugin)}`;
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}
