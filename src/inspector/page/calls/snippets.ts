import type { PageCallRequest } from '../../wire-calls.ts';

/** Where a daemon serves the page; beside it lies its HTTP API. */
const DAEMON_PAGE = '/inspector/';

/** Where the page was loaded from. */
export interface PageAddress {
  readonly origin: string;
  readonly pathname: string;
}

/** A call as a command of a shell. The token is a variable, so that it lands in no file and no history. */
export function curlText(
  { plugin, tool = 'execute', input, stream = false }: PageCallRequest,
  at: PageAddress,
): string {
  const own: PageCallRequest = { plugin, tool, input, stream: stream || undefined };
  const [body, url] = isDaemon(at)
    ? [
        input ?? {},
        `${at.origin}/api/plugins/${encodeURIComponent(plugin)}/tools/${encodeURIComponent(tool)}${stream ? '?stream=true' : ''}`,
      ]
    : [own, `${at.origin}${at.pathname}api/call`];
  return `curl -N -H "Authorization: Bearer $GREENROOM_TOKEN" \\\n  --json ${quoted(JSON.stringify(body))} \\\n  ${quoted(url)}`;
}

/** The same as JavaScript: with a client of the daemon, or in the program that has the supervisor. */
export function javaScriptText({ plugin, tool, input, stream = false }: PageCallRequest, at: PageAddress): string {
  const options = tool === undefined || tool === 'execute' ? '' : `, { tool: ${JSON.stringify(tool)} }`;
  const holder = isDaemon(at) ? 'client' : 'supervisor';
  const made = `${holder}.${stream ? 'stream' : 'execute'}(${JSON.stringify(plugin)}, ${JSON.stringify(input ?? {}, undefined, 2)}${options})`;
  const call = stream ? `for await (const chunk of ${made}) console.log(chunk);` : `console.log(await ${made});`;
  if (!isDaemon(at)) return call;
  return [
    "import { createClient } from 'greenroom/client';",
    '',
    `const client = createClient({ url: ${JSON.stringify(at.origin)}, token: process.env.GREENROOM_TOKEN });`,
    call,
    'await client.close();',
  ].join('\n');
}

const isDaemon = ({ pathname }: PageAddress): boolean => pathname.startsWith(DAEMON_PAGE);

/** A word of a shell, whatever is in it. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
