import { z } from 'zod';
import { refusals, zodMessages } from '../../text/zod-messages.ts';
import type { Refuse } from './macros.ts';

/** Numbers that variables of the environment brought are still texts. */
const toNumber = (value: unknown): unknown =>
  typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;

const whole = z.preprocess(toNumber, z.number().int());
const amount = z.preprocess(toNumber, z.number().int().min(0));
const text = z.string();
const filledText = text.min(1);
const values = z.record(text, z.unknown());

const filters = z.looseObject({
  stripParams: text.optional(),
  strip_params: text.optional(),
  setParams: values.optional(),
  setParamsByID: z.record(text, values).optional(),
});

const model = z.looseObject({
  cmd: filledText,
  cmdStop: text.optional(),
  name: text.optional(),
  description: text.optional(),
  env: z.array(text).optional(),
  proxy: filledText.optional(),
  aliases: z.array(z.union([filledText, z.looseObject({ id: filledText })])).optional(),
  checkEndpoint: text.optional(),
  ttl: z.preprocess(toNumber, z.number().int().min(-1)).optional(),
  unloadTimeout: amount.optional(),
  useModelName: text.optional(),
  filters: filters.optional(),
  metadata: values.optional(),
  concurrencyLimit: amount.optional(),
  unlisted: z.boolean().optional(),
  compat: z.looseObject({ ignoreWebsockets: z.boolean().optional() }).optional(),
  capabilities: values.optional(),
});

const group = z.looseObject({
  swap: z.boolean().default(true),
  exclusive: z.boolean().default(true),
  persistent: z.boolean().default(false),
  members: z.array(text).default([]),
});

const matrix = z.looseObject({ vars: z.record(text, text).default({}), sets: z.record(text, text).default({}) });

const groups = z.record(text, group);

const peer = z.looseObject({
  proxy: filledText,
  apiKey: text.optional(),
  models: z.array(filledText).min(1),
  filters: filters.optional(),
});

const router = z.looseObject({
  use: z.enum(['group', 'matrix']).optional(),
  settings: z.looseObject({ groups: groups.optional(), matrix: matrix.optional() }).optional(),
});

const scheduler = z.looseObject({
  settings: z
    .looseObject({ fifo: z.looseObject({ priority: z.record(text, whole).optional() }).optional() })
    .optional(),
});

const config = z.looseObject({
  healthCheckTimeout: whole.optional(),
  globalTTL: amount.optional(),
  unloadTimeout: amount.optional(),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).optional(),
  models: z.record(text, model),
  groups: groups.optional(),
  matrix: matrix.optional(),
  routing: z.looseObject({ router: router.optional(), scheduler: scheduler.optional() }).optional(),
  peers: z.record(text, peer).optional(),
});

/** A configuration of llama-swap, as far as it is mapped, with macros replaced. Times in seconds. */
export type Config = z.output<typeof config>;

/** A model of it. */
export type Model = z.output<typeof model>;

/** A group of models that count together. */
export type Group = z.output<typeof group>;

/** Combinations of models that may run together. */
export type Matrix = z.output<typeof matrix>;

/** What is changed in requests. */
export type Filters = z.output<typeof filters>;

/** Checks a configuration. `refuse` is told of the first thing that is wrong, and throws. Keys without a value are absent. */
export function checkConfig(value: unknown, refuse: Refuse): Config {
  const parsed = config.safeParse(withoutNulls(value), { error: zodMessages('key') });
  if (parsed.success) return parsed.data;
  const [issue] = refusals(parsed.error.issues);
  return refuse(
    (issue?.path ?? []).filter((step) => typeof step !== 'symbol'),
    `${issue?.message}`,
  );
}

/** Null is what YAML makes of a key without a value. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== null);
  return Object.fromEntries(entries.map(([key, each]) => [key, withoutNulls(each)]));
}
