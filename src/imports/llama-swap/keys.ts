import type { Verdict } from './finding.ts';

/** A key of llama-swap's configuration, and what becomes of it. */
export interface Key {
  /** `*` stands for any name, `[]` for any item of a list. What lies below a key without keys of its own belongs to it. */
  readonly key: string;
  readonly verdict: Verdict;
  /** Of what is mapped, where it goes; else what Greenroom does in its place, or what to do. In Markdown. */
  readonly what: string;
}

const mapped = (key: string, what: string): Key => ({ key, verdict: 'mapped', what });
const noted = (key: string, what: string): Key => ({ key, verdict: 'noted', what });
const refused = (key: string, what: string): Key => ({ key, verdict: 'refused', what });

const timeouts = (parent: string): Key[] =>
  ['connect', 'keepalive', 'responseHeader', 'tlsHandshake', 'expectContinue', 'idleConn'].map((name) =>
    noted(`${parent}.${name}`, 'Greenroom sets no limit of its own: the timeout of the client counts'),
  );

const groups = (parent: string): Key[] => [
  mapped(
    `${parent}.*.swap`,
    '`capacity.slots`: as many models as llama-swap would run together. Which ones is decided by demand, not by group',
  ),
  mapped(`${parent}.*.exclusive`, '`capacity.slots`, as `swap`'),
  mapped(`${parent}.*.persistent`, '`resources.pin`, for groups with `swap: false`'),
  mapped(`${parent}.*.members`, '`capacity.slots`, as `swap`'),
];

const matrix = (parent: string): Key[] => [
  mapped(`${parent}.vars.*`, '`capacity.slots`: the names are replaced in `sets`'),
  noted(
    `${parent}.evict_costs.*`,
    'with `"order": "cost-aware"` Greenroom weighs what loading again costs, as it has measured it',
  ),
  mapped(
    `${parent}.sets.*`,
    '`capacity.slots`: the size of the largest set. "Never together" cannot be said: give each model `resources.min_gpu_vram_mb`, and what does not fit together never is',
  ),
];

/**
 * Every key of llama-swap's configuration, with what becomes of it. The table of `docs/coming-from-llama-swap.md` is kept
 * equal to it by a test, as is the list of the keys of llama-swap's schema.
 */
export const KEYS: readonly Key[] = [
  mapped('healthCheckTimeout', '`start_timeout_ms` of every model, at least 15 s'),
  mapped('globalTTL', '`resources.idle_release_ms` of models without a `ttl`'),
  mapped('unloadTimeout', '`stop_timeout_ms` of models without one of their own'),
  mapped('logLevel', '`logLevel`'),
  noted('logTimeFormat', 'times in logs are ISO 8601'),
  noted('logToStdout', 'each model has a log file: `greenroom logs NAME`'),
  noted('logRequests', 'requests are counted at `/metrics`'),
  noted('metricsMaxInMemory', 'figures are at `/metrics`, for Prometheus'),
  noted('captureBuffer', 'requests to servers are not recorded'),
  noted('store.path', 'figures are at `/metrics`, for Prometheus, which keeps them'),
  noted('ui.activity.session_id', 'requests are counted at `/metrics`, without their sessions'),
  noted('performance.disabled', 'memory and GPUs are measured, as the scheduler decides by them'),
  noted('performance.every', 'memory and GPUs are measured when the scheduler needs the figures'),
  noted('startPort', 'ports from 20000 to 32000 are chosen at each start'),
  noted('sendLoadingState', 'a streamed request that waits is kept alive by comments, which no client shows'),
  refused('includeAliasesInList', 'lists have each model once, by its first name; requests may use every name'),
  mapped('macros.*', 'replaced where they are used'),
  refused('profiles.*.description', 'there are no profiles; move a name from `models` of one manifest to another'),
  refused('profiles.*.pins.*', 'there are no profiles; move a name from `models` of one manifest to another'),
  refused(
    'selectors.*.strategy',
    'there are no selectors; for `pin` add the name to `models` of the first target, for `spillover` give it `instances`',
  ),
  refused('selectors.*.targets', 'there are no selectors'),
  refused('selectors.*.settings.spillover', 'there are no selectors; `max_concurrency` is how many requests one takes'),
  refused('selectors.*.name', 'there are no selectors'),
  refused('selectors.*.description', 'there are no selectors'),
  refused('selectors.*.unlisted', 'there are no selectors'),
  refused('selectors.*.metadata', 'there are no selectors'),
  mapped('models.*.macros.*', 'replaced where they are used'),
  mapped('models.*.cmd', '`command` and `args`; `${PORT}` is `{port}`'),
  mapped(
    'models.*.cmdStop',
    '`stop_command`, except with `${PID}`. It runs when the model is stopped, and may take 10 s',
  ),
  mapped('models.*.name', '`display_name`'),
  mapped('models.*.description', '`description`'),
  mapped('models.*.env', '`env_vars`; `NAME=${env.NAME}` is `pass_env`'),
  mapped('models.*.proxy', '`{port}` in `args`, and `base_path`'),
  mapped('models.*.aliases', '`models`'),
  mapped('models.*.aliases[].id', '`models`'),
  noted('models.*.aliases[].name', 'lists have a model by its first name alone'),
  noted('models.*.aliases[].unlisted', 'lists have a model by its first name alone'),
  mapped('models.*.checkEndpoint', '`ready.path`; `none` is `"ready": "port"`'),
  mapped('models.*.ttl', '`resources.idle_release_ms`'),
  mapped('models.*.unloadTimeout', '`stop_timeout_ms`'),
  mapped('models.*.useModelName', '`use_model_name`'),
  mapped('models.*.filters.stripParams', '`filters.strip`'),
  mapped('models.*.filters.strip_params', '`filters.strip`'),
  mapped('models.*.filters.setParams', '`filters.set`'),
  mapped('models.*.filters.setParamsByID.*', '`filters.set_by_model`, and `models`'),
  mapped('models.*.metadata', '`metadata`, but for values with `${PORT}`, as the port changes with each start'),
  mapped(
    'models.*.concurrencyLimit',
    '`max_concurrency`, 10 by default in both. Requests beyond it wait in place of being answered 429',
  ),
  noted('models.*.sendLoadingState', 'as `sendLoadingState`'),
  mapped('models.*.unlisted', '`unlisted`'),
  ...timeouts('models.*.timeouts'),
  mapped('models.*.compat.ignoreWebsockets', '`"websockets": "free"`; opening one still loads the model'),
  mapped('models.*.capabilities.in', '`capabilities`'),
  mapped('models.*.capabilities.out', '`capabilities`'),
  mapped('models.*.capabilities.tools', '`capabilities`'),
  mapped('models.*.capabilities.reranker', '`capabilities`'),
  mapped('models.*.capabilities.context', '`capabilities`'),
  ...groups('groups'),
  ...matrix('matrix'),
  noted(
    'hooks.on_startup.preload',
    'run `greenroom load NAME` after the start, or load all with `greenroom serve --load`',
  ),
  noted(
    'apiKeys',
    'keys are not written to files: set `GREENROOM_API_KEYS`, separated by commas, for `greenroom serve`',
  ),
  mapped('peers.*.proxy', '`url`, in a manifest for each of its models'),
  noted(
    'peers.*.apiKey',
    'keys are not written to files: `headers` takes it from a variable, which is to be set for `greenroom serve`',
  ),
  mapped('peers.*.models', '`models`, as `peer/model` and, where no other has it, `model`; `use_model_name`'),
  mapped('peers.*.filters.stripParams', '`filters.strip`'),
  mapped('peers.*.filters.setParams', '`filters.set`'),
  ...timeouts('peers.*.timeouts'),
  refused('upstream.ignorePaths', 'every request below `/upstream` loads the model'),
  noted('routing.scheduler.use', 'requests wait by priority, then by arrival'),
  mapped('routing.scheduler.settings.fifo.priority.*', '`resources.priority`'),
  mapped('routing.router.use', '`capacity.slots`: which of `groups` and `matrix` counts'),
  ...groups('routing.router.settings.groups'),
  ...matrix('routing.router.settings.matrix'),
];
