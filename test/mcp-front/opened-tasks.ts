import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Jobs } from '../../src/jobs/index.ts';
import type { McpFrontOptions } from '../../src/mcp-front/mcp-front.ts';
import { TOKEN } from '../api/opened.ts';
import { openTheJobs } from '../jobs/opened-jobs.ts';
import { endAfterTest } from '../server/served.ts';
import { type OpenedMcp, openMcp } from './opened.ts';

/** As `openMcp`, with jobs that tasks become. */
export async function openMcpWithJobs(
  plugins: Parameters<typeof openMcp>[0] = { node: { fixture: 'showcase' } },
  options: Partial<McpFrontOptions> = {},
): Promise<OpenedMcp & { readonly jobs: Jobs }> {
  let opened: Promise<Jobs> | undefined;
  const mcp = await openMcp(plugins, {}, { jobs: () => opened ?? Promise.reject(new Error('Too early')), ...options });
  opened = openTheJobs({ supervisor: mcp.supervisor });
  return { ...mcp, jobs: await opened };
}

/** The official client of version 1, which knows the tasks of revision 2025-11-25. */
export async function connectTasks(url: string, headers: Record<string, string> = {}): Promise<ClientV1> {
  const client = new ClientV1({ name: 'test', version: '1.0.0' });
  const requestInit = { headers: { authorization: `Bearer ${TOKEN}`, ...headers } };
  await client.connect(new TransportV1(new URL(url), { requestInit }));
  endAfterTest(() => client.close());
  return client;
}

/** What a modern client says in `_meta` that knows tasks. */
export const KNOWS_TASKS = {
  'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
};
