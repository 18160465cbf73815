import { z } from 'zod';
import { PHASES, type PluginState } from '../machines/plugin/phases.ts';
import { anyToolList } from '../tools/tool.ts';

const time = z.number().describe('Milliseconds since the epoch.');
const state = z.enum(Object.keys(PHASES) as [PluginState, ...PluginState[]]);
const phase = z.enum([...new Set(Object.values(PHASES).flat())] as [string, ...string[]]);
const amount = z.number().nullable().describe('In MiB; null: no limit.');
const resources = z.strictObject({
  vramMb: amount,
  ramMb: amount,
  slots: amount.describe('Worker processes; null: no limit.'),
  gpus: z.record(z.string(), amount).optional(),
});

const instance = z.strictObject({
  generation: z.int(),
  state,
  phase,
  since: time,
  pid: z.int().optional(),
  inFlight: z.int(),
});

/** A plugin at one moment. */
export const pluginSchema = z.strictObject({
  name: z.string(),
  version: z.string(),
  description: z.string(),
  category: z.string(),
  manifestPath: z.string(),
  state,
  phase,
  since: time,
  loaded: z.boolean(),
  replacing: z.boolean(),
  enabled: z.boolean(),
  pid: z.int().optional(),
  instances: z.array(instance),
  generation: z.int(),
  restarts: z.int(),
  inFlight: z.int(),
  waiting: z.int(),
  lastUsedAt: time.optional(),
  lastError: z.strictObject({ code: z.string(), message: z.string() }).optional(),
  lastErrorAt: time.optional(),
});

/** All plugins. */
export const pluginsSchema = z.strictObject({ plugins: z.array(pluginSchema) });

const problems = z.array(
  z.strictObject({
    file: z.string(),
    field: z.string().optional(),
    reason: z.string(),
    severity: z.enum(['error', 'warning']),
  }),
);

/** What is wrong with manifests. */
export const problemsSchema = z.strictObject({ problems });

const listedShape = {
  name: z.string(),
  version: z.string(),
  description: z.string(),
  category: z.string(),
  worker: z.string(),
  instances: z.strictObject({ min: z.int(), max: z.int() }),
  manifest: z.string(),
  searchPath: z.string(),
};

/** What the search paths hold. */
export const listingSchema = z.strictObject({
  plugins: z.array(z.strictObject({ ...listedShape, shadows: z.array(z.string()) })),
  shadowed: z.array(z.strictObject({ ...listedShape, shadowedBy: z.string() })),
  problems,
  searchPaths: z.array(z.string()),
});

/** How the daemon and its supervisor stand. */
export const statusSchema = z.strictObject({
  daemon: z.strictObject({
    version: z.string(),
    pid: z.int(),
    since: time,
    /** Addresses that it listens on. */
    addresses: z.array(z.string()),
    inspector: z.string().optional().describe('The address of the inspector, with its token.'),
  }),
  state: z.string(),
  policy: z.string(),
  scheduling: z.strictObject({
    policy: z.string(),
    order: z.string(),
    capacity: z.looseObject({}),
    reserved: resources,
    holders: z.array(
      z.strictObject({
        plugin: z.string(),
        generation: z.int(),
        standing: z.enum(['granted', 'busy', 'idle', 'warm']),
        leaving: z.boolean(),
        since: time,
        holds: resources,
        uses: resources.optional(),
      }),
    ),
    measured: z.strictObject({ free: z.looseObject({}), at: time }).optional(),
    waiting: z.int(),
    evicting: z.int(),
    granted: z.int(),
    refused: z.int(),
    evicted: z.int(),
  }),
  transport: z.string(),
  dataDir: z.string(),
  searchPaths: z.array(z.string()),
  orphanProtection: z.strictObject({ tier: z.string(), promise: z.string() }),
  monitor: z.string(),
  counts: z.record(z.string(), z.int()),
  workers: z.int(),
});

const treeShape = {
  pid: z.int(),
  cpuPercent: z.number().nullable(),
  memoryRssMb: z.number().nullable(),
  processes: z.int().nullable(),
  uptimeMs: z.number().nullable(),
};

/** What the workers of a plugin use. */
export const statsSchema = z.strictObject({
  ...treeShape,
  instances: z.array(z.strictObject({ generation: z.int(), ...treeShape })),
});

/** What the workers of all loaded plugins use, and what the machine has. */
export const allStatsSchema = z.strictObject({
  plugins: z.record(z.string(), statsSchema),
  system: z.looseObject({
    memoryTotalMb: z.number().optional(),
    memoryAvailableMb: z.number().optional(),
    gpuTotalMb: z.number().optional(),
    gpuFreeMb: z.number().optional(),
    gpus: z.array(z.looseObject({})),
  }),
});

/** Why a plugin is where it is. */
export const explanationSchema = z.looseObject({
  plugin: z.string(),
  state,
  phase,
  since: time,
  lastError: z.strictObject({ code: z.string(), message: z.string() }).optional(),
  lastErrorAt: time.optional(),
  codeFault: z.string().optional(),
  policy: z.string(),
  need: z.looseObject({}),
  free: resources,
  lines: z.array(z.string()).describe('All of it for people, line by line.'),
});

/** The tools of a plugin. */
export const toolsSchema = z.strictObject({ tools: anyToolList });

/** A config, in a field, so that it can be anything. */
export const configSchema = z.strictObject({ config: z.unknown() });

/** A JSON Schema, or null where there is none. */
export const jsonSchemaSchema = z.strictObject({ schema: z.unknown() });

/** The manifest of a plugin. */
export const manifestSchema = z.strictObject({ manifest: z.looseObject({ name: z.string() }) });

/** The last lines of a log. */
export const logSchema = z.strictObject({ text: z.string() });

/** A ticket for a request without headers. */
export const ticketSchema = z.strictObject({ ticket: z.string(), expiresInMs: z.int() });

/** An error. */
export const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string().optional(),
  plugin: z.string().optional(),
  remote: z.looseObject({}).optional(),
  details: z.unknown().optional(),
});

/** True and false as a query has them. */
export const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

/** A number as a query has it. */
export const numeral = z
  .string()
  .regex(/^-?\d+(\.\d+)?$/)
  .transform(Number)
  .meta({ type: 'number' });
