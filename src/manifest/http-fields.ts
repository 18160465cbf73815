import { z } from 'zod';
import { shown } from '../text/shown.ts';

const filledText = z
  .string()
  .min(1)
  .refine((value) => !value.includes('\0'), 'must not contain the character NUL');

/** Where a path of a server begins. */
const path = z
  .string()
  .regex(/^\/[^\s#]*$/, { error: ({ input }) => `expected a path that begins with "/", got ${shown(input)}` });

const url = z.string().refine(isServerUrl, {
  error: ({ input }) =>
    `expected an http:// or https:// address without user, query and fragment, as "http://127.0.0.1:8080", got ${shown(input)}`,
});

function isServerUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return ['http:', 'https:'].includes(protocol) && `${username}${password}${search}${hash}` === '';
}

const ready = z.union([
  z.literal('port'),
  z.strictObject({
    path: path.optional(),
    status: z.number().int().min(100).max(599).optional(),
    owner: z.boolean().optional(),
  }),
]);

const values = z.record(z.string(), z.unknown());

const filters = z.strictObject({
  strip: z.array(filledText).optional(),
  set: values.optional(),
  set_by_model: z.record(z.string(), values).optional(),
});

/** Where a server says that it is alive. */
export const livenessPath = path;

/** The fields of a manifest that only a worker of kind "http" has. */
export const httpShape = {
  url: url.optional().describe('The address of a server that another program runs; in place of command.'),
  base_path: path
    .optional()
    .describe('A path that is put before the path of every request to the server that command starts.'),
  headers: z
    .record(z.string(), z.string())
    .optional()
    .describe(
      'Headers that are set in every request to the server; ${env:NAME} stands for a variable of the host program.',
    ),
  ready: ready
    .optional()
    .describe(
      'When the server is ready: a path, the status that it answers, and whether its port is checked; "port": once it listens.',
    ),
  stop_command: z
    .array(filledText)
    .min(1)
    .optional()
    .describe('A program and its arguments that end what the server leaves behind, as a container.'),
  websockets: z
    .enum(['lease', 'free'])
    .optional()
    .describe('Whether an open WebSocket counts as a request that runs. Default "lease".'),
  models: z.array(filledText).optional().describe('The names of models by which requests find this server.'),
  use_model_name: filledText
    .optional()
    .describe('The name of the model that the server is sent in place of the one asked for.'),
  filters: filters.optional().describe('Fields of JSON requests that are removed or set on the way to the server.'),
  unlisted: z.boolean().optional().describe('Whether its models are left out of lists of models.'),
  display_name: z.string().optional().describe('The name of the model for people, in lists of models.'),
  metadata: values.optional().describe('Passed on in lists of models.'),
  capabilities: values.optional().describe('What the model can do, passed on in lists of models.'),
};
