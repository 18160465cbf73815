import { z } from 'zod';

const value = z.union([z.string(), z.number(), z.boolean()]);
const args = z.array(value);

/** What is refused here is not shown: it may be secret. */
const env = z.record(z.string(), z.union([value, z.null()], 'expected a string, a number, true, false or null'), {
  error: 'expected an object of names and values',
});

/** The keys of a server that Greenroom reads, of all clients. */
export const serverSchema = z.looseObject({
  type: z.string().optional(),
  /** An object in older files of Zed. */
  command: z
    .union([z.string(), z.looseObject({ path: z.string(), args: args.optional(), env: env.nullish() })])
    .optional(),
  args: args.optional(),
  env: env.optional(),
  envFile: z.string().optional(),
  cwd: z.string().optional(),
  url: z.string().optional(),
  /** `url` in Windsurf. */
  serverUrl: z.string().optional(),
  disabled: z.boolean().optional(),
  enabled: z.boolean().optional(),
  disabledTools: z.array(z.string()).optional(),
  /** Of Copilot: the tools to be offered, `*` for all. */
  tools: z.array(z.string()).optional(),
  timeout: z.number().positive().optional(),
  description: z.string().optional(),
  /** Of Zed: `custom` or `extension`. */
  source: z.string().optional(),
  /** Of VS Code. */
  sandboxEnabled: z.boolean().optional(),
});

/** A server as it stands in a file, checked. */
export type ServerKeys = z.output<typeof serverSchema>;

/** Keys of clients that say nothing about how the server is run: sign-in, approval, how a client lists and develops it. */
const WITHOUT_EFFECT = [
  ...['headers', 'headersHelper', 'auth', 'oauth'],
  ...['alwaysAllow', 'alwaysLoad', 'autoApprove'],
  ...['dev', 'gallery', 'name', 'sandbox', 'settings', 'version'],
];

/** Every key of a server that some client has. */
export const SERVER_KEYS: ReadonlySet<string> = new Set([...Object.keys(serverSchema.shape), ...WITHOUT_EFFECT]);

/** What `type` says of servers that are programs. */
export const STDIO_TYPES: readonly string[] = ['stdio', 'local'];

/** What `type` says of servers somewhere else. */
export const REMOTE_TYPES: readonly string[] = ['http', 'sse', 'streamable-http', 'streamableHttp', 'ws'];
