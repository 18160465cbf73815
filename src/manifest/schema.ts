import { z } from 'zod';
import { isObject } from '../json-schema/schema.ts';
import { isVersionSpec } from '../python-envs/version-spec.ts';
import { expectedText, unknownText } from '../text/expected.ts';
import { shown } from '../text/shown.ts';
import { refusals, zodMessages } from '../text/zod-messages.ts';
import { toolList } from '../tools/tool.ts';
import { findKind, inferKind, kindNames, type WorkerKindName } from '../worker-kinds/kinds.ts';
import { httpShape, livenessPath } from './http-fields.ts';
import { instances } from './instances.ts';
import type { ManifestIssue } from './manifest-issue.ts';
import { schemaFault } from './schema-fault.ts';
import { usableTools } from './tools.ts';

const milliseconds = z.number().int().nonnegative();
const megabytes = z.number().nonnegative();

/** What is handed to the system, for which NUL ends a text. */
const text = z.string().refine((value) => !value.includes('\0'), 'must not contain the character NUL');
const filledText = text.min(1);

/** A name becomes a file name of a log and an actor's identifier. */
export const pluginName = z
  .string()
  .min(1, 'must not be empty')
  .max(128, 'must have at most 128 characters')
  // eslint-disable-next-line no-control-regex
  .regex(/^[^\u0000-\u001f\u007f/\\]+$/, 'must have no slashes and no control characters')
  .refine((name) => name !== '.' && name !== '..', 'must not be "." or ".."');

const resources = z.looseObject({
  requires_gpu: z.boolean().optional(),
  min_gpu_vram_mb: megabytes.optional(),
  recommended_gpu_vram_mb: megabytes.optional(),
  gpus: z.number().int().positive().optional().describe('Over how many GPUs its GPU memory may be spread. Default 1.'),
  min_system_ram_mb: megabytes.optional(),
  pin: z.boolean().optional(),
  priority: z.number().optional(),
  min_residency_ms: milliseconds.optional(),
  idle_release_ms: milliseconds.min(1).optional(),
});

const restart = z.strictObject({
  policy: z.enum(['permanent', 'transient', 'temporary']).optional(),
  intensity: z.number().int().nonnegative().optional(),
  period_ms: milliseconds.optional(),
  backoff: z
    .strictObject({
      base_ms: milliseconds.optional(),
      factor: z.number().min(1).optional(),
      cap_ms: milliseconds.optional(),
    })
    .optional(),
});

const pythonEnvironment = z.strictObject({
  requirements: filledText.describe('A requirements.txt or pyproject.toml, relative to the manifest.'),
  version: z
    .string()
    .refine(isVersionSpec, {
      error: ({ input }) => `expected a specifier of versions such as ">=3.10,<3.14", got ${shown(input)}`,
    })
    .optional()
    .describe('The versions of Python that will do.'),
});

/** The fields of a manifest. Those from `start_timeout_ms` on overrule the supervisor's settings for one plugin. */
export const manifestShape = {
  $schema: z.string().optional().describe('The JSON Schema of this file, for editors.'),
  name: pluginName.describe('The name of the plugin, unique among all plugins.'),
  version: z.string().optional().describe('The version of the plugin.'),
  description: z.string().optional().describe('What the plugin does, in one sentence.'),
  author: z.string().optional().describe('Who wrote it.'),
  category: z.string().optional().describe('A category to list plugins by.'),
  interface: z.string().optional().describe('The dotted name of the interface the class implements; information only.'),
  type: z.string().optional().describe('Information only.'),
  worker: z
    .string()
    .refine((name) => findKind(name) !== undefined, {
      error: ({ input }) => expectedText({ enum: kindNames() }, input),
    })
    .meta({ enum: kindNames() })
    .optional()
    .describe('How the worker is started. Default: inferred from module, class and command.'),
  module: filledText.optional().describe('A dotted Python module, or a module file relative to the manifest.'),
  class: z.string().min(1).optional().describe('The Python class to instantiate.'),
  python_path: filledText.optional().describe("The plugin's own Python interpreter. Default: python3 on PATH."),
  python: pythonEnvironment
    .optional()
    .describe('The packages that a Python plugin needs, of which an environment is made when it is first started.'),
  conda_env: z.string().optional().describe('The name of the environment of the interpreter; information only.'),
  db_path: z.string().optional().describe('Information for the plugin.'),
  command: filledText.optional().describe('The program of a worker of kind "command", "http" or "mcp".'),
  args: z.array(text).optional().describe('Its arguments.'),
  cwd: filledText.optional().describe("The worker's working directory. Default: the supervisor's."),
  env_vars: z
    .record(z.string(), z.union([text, z.number(), z.boolean()]))
    .refine(
      (variables) => Object.keys(variables).every((name) => /^[^=\0]+$/.test(name)),
      'must have names that are not empty, without "=" and NUL',
    )
    .optional()
    .describe('Environment variables to set.'),
  pass_env: z
    .array(z.string().min(1))
    .optional()
    .describe("Names or patterns (HF_*) of the host program's environment variables to pass on."),
  resources: resources.optional().describe('The memory that the plugin needs, in MiB, and how it is scheduled.'),
  config_schema: z.record(z.string(), z.unknown()).optional().describe('The JSON Schema of its config, with defaults.'),
  tools: toolList.optional().describe('The tools that can be called by name, over what the worker says of them.'),
  allow_tools: z.array(filledText).optional().describe('The only tools that are offered, by their names.'),
  deny_tools: z.array(filledText).optional().describe('Tools that are not offered, by their names.'),
  ...httpShape,
  max_concurrency: z
    .number()
    .int()
    .positive()
    .optional()
    .describe('How many calls may run at once. Default 1; for http and mcp, 10.'),
  instances: instances
    .optional()
    .describe('How many workers it has: a number, "cores" for one per core, or bounds between which load decides.'),
  share: z
    .enum(['all', 'client'])
    .optional()
    .describe(
      'Whether clients of MCP share its process: "all", or each has one of its own. Default: as the server says of its tools.',
    ),
  max_rss_mb: z
    .number()
    .positive()
    .optional()
    .describe('The memory that the worker and its child processes may use, in MiB, before the worker is replaced.'),
  max_waiting: z.number().int().positive().optional().describe('How many calls may wait in the queue. Default 1000.'),
  idempotent: z.boolean().optional().describe('Whether a call may be sent again when its worker dies.'),
  start_timeout_ms: milliseconds.optional().describe('How long the worker may take from spawn to ready.'),
  install_timeout_ms: milliseconds
    .optional()
    .describe('How long its packages may take to be installed, before the worker is spawned.'),
  drain_timeout_ms: milliseconds.optional().describe('How long calls may take to finish before the worker is stopped.'),
  stop_timeout_ms: milliseconds
    .optional()
    .describe('How long /cleanup may take, and then the time between SIGTERM and SIGKILL.'),
  cancel_grace_ms: milliseconds
    .optional()
    .describe('How long a cancelled call may take to end before the worker is replaced.'),
  liveness: z
    .union([
      z.literal(false),
      z.strictObject({
        interval_ms: milliseconds.min(1).optional(),
        timeout_ms: milliseconds.min(1).optional(),
        path: livenessPath.optional(),
      }),
    ])
    .optional()
    .describe('How often the worker is checked, and how long it may take to answer; false: never.'),
  restart: restart.optional().describe('How a crashed worker is restarted.'),
};

/** What a manifest file must hold. Unknown keys are kept. */
export const manifestSchema = z.looseObject(manifestShape);

const KNOWN_KEYS: ReadonlySet<string> = new Set(Object.keys(manifestShape));

/** A manifest that was read and checked. Its keys are those of the file. */
export type Manifest = z.output<typeof manifestSchema> & { readonly worker: WorkerKindName };

/** A manifest, or what is wrong with it. `warnings` are about what is ignored. */
export type ManifestParse =
  | { readonly ok: true; readonly manifest: Manifest; readonly warnings: readonly ManifestIssue[] }
  | { readonly ok: false; readonly issues: readonly ManifestIssue[]; readonly warnings: readonly ManifestIssue[] };

/** Checks the content of a manifest file. Fields that are null count as absent, as older tools write them. */
export function parseManifest(value: unknown): ManifestParse {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { ok: false, issues: [{ field: '', reason: 'must be a JSON object' }], warnings: [] };
  }
  const given = withoutNulls(value as Record<string, unknown>);
  const warnings = Object.keys(given)
    .filter((key) => !KNOWN_KEYS.has(key))
    .map((key) => ({ field: key, reason: `${unknownText('field', key, KNOWN_KEYS)} (ignored)` }));
  if (given['tools'] !== undefined) given['tools'] = usableTools(given['tools'], warnings);
  const parsed = manifestSchema.safeParse(given);
  if (!parsed.success) {
    // With messages of our own a parse takes longer, so only where there is something to say.
    const { error = parsed.error } = manifestSchema.safeParse(given, { error: zodMessages('field') });
    const issues = refusals(error.issues).map(({ path, message }) => ({ field: path.join('.'), reason: message }));
    return refused(given, issues, warnings);
  }
  const { data } = parsed;
  const kind = data.worker === undefined ? inferKind(data) : findKind(data.worker);
  if (kind === undefined) return refused(given, [{ field: 'worker', reason: uninferredText(data) }], warnings);
  const missing = kind.required.flatMap((required) => {
    const [field, ...others] = typeof required === 'string' ? [required] : required;
    if (field === undefined || [field, ...others].some((each) => data[each] !== undefined)) return [];
    const or = others.map((other) => `, or "${other}"`).join('');
    return [{ field, reason: `missing; a worker of kind "${kind.name}" needs it${or}` }];
  });
  const issues = [...missing, ...(kind.check?.(data) ?? [])];
  if (kind.serves !== true) warnings.push(...unusedHttpFields(data, kind.name));
  if (data.python !== undefined && kind.hasEnvironment !== true)
    warnings.push({ field: 'python', reason: `ignored by a worker of kind "${kind.name}"` });
  if (issues.length > 0) return refused(given, issues, warnings);
  return { ok: true, manifest: Object.assign(data, { worker: kind.name as WorkerKindName }), warnings };
}

/**
 * With a word about its config schema. That of a manifest that is valid otherwise is checked when it is first needed, as
 * it takes longer than all the rest.
 */
function refused(
  { config_schema: schema }: Readonly<Record<string, unknown>>,
  issues: readonly ManifestIssue[],
  warnings: readonly ManifestIssue[],
): ManifestParse {
  const fault = isObject(schema) ? schemaFault(schema) : undefined;
  const own = fault === undefined ? [] : [{ field: 'config_schema', reason: fault }];
  return { ok: false, issues: [...issues, ...own], warnings };
}

/** Fields that would be without effect, most often because the kind is not the one that was meant. */
function unusedHttpFields(data: z.output<typeof manifestSchema>, kind: string): ManifestIssue[] {
  const { liveness } = data;
  return [
    ...Object.keys(httpShape).filter((field) => data[field] !== undefined),
    ...(typeof liveness === 'object' && liveness.path !== undefined ? ['liveness.path'] : []),
  ].map((field) => ({
    field,
    reason: `ignored by a worker of kind "${kind}"; for an HTTP server, add "worker": "http"`,
  }));
}

function withoutNulls(value: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const key in value) {
    const field = value[key];
    if (field === null) continue;
    kept[key] =
      key === 'resources' && typeof field === 'object' ? withoutNulls(field as Record<string, unknown>) : field;
  }
  return kept;
}

function uninferredText({ module }: z.output<typeof manifestSchema>): string {
  return module === undefined
    ? 'cannot be inferred; add "module" (and "class" for Python), or "command"'
    : `cannot be inferred from "module": ${JSON.stringify(module)}; add "worker": "python" or "worker": "node"`;
}
