import { isAbsolute, resolve } from 'node:path';
import { commandWords } from './command-words.ts';
import type { Config, Model } from './config.ts';
import { soleVariable } from './environment.ts';
import { filtersOf } from './filters.ts';
import { type ConfigPath, type Finding, noted, refused } from './finding.ts';
import { DEFAULT_PROXY, isContainer, placePort } from './server-address.ts';

/** The fields of a manifest, in the order in which they are written. */
export type ManifestFields = Readonly<Record<string, unknown>>;

/** What became of a model: a manifest, unless it cannot run here. */
export interface Made {
  readonly manifest: ManifestFields | undefined;
  readonly findings: readonly Finding[];
}

/** What a manifest depends on beside its model. */
export interface Surroundings {
  readonly config: Config;
  /** The name of the plugin. */
  readonly name: string;
  /** The folder of the configuration: relative paths of programs count from there. */
  readonly folder: string;
  readonly platform: NodeJS.Platform;
  readonly isPinned: boolean;
  readonly priority: number | undefined;
}

/** The identifier for which llama-swap has a page of its own, and raises two limits. */
const COMFY = { id: 'comfyui_auto', leastConcurrency: 50 };

/** llama-swap waits at least this long for a model, in seconds. */
const LEAST_START_S = 15;

/** `stop_command` may take this long, in seconds. */
const STOP_COMMAND_S = 10;

/** Makes the manifest of a model. */
export function modelManifest(id: string, given: Model, surroundings: Surroundings): Made {
  const { config, name, folder, platform } = surroundings;
  const path: ConfigPath = ['models', id];
  const findings: Finding[] = [];
  const model = withoutPorts(given, path, findings);
  const variables = variablesOf(model, path, findings);
  const words = commandWords(model.cmd, platform);
  if (words.length === 0) return unwritten(path, 'cmd has no words. Write a program, and its arguments.');
  const stop = stopWords(model, path, platform, findings);
  const placed = placePort({ words, stop, variables: variables.values, proxy: model.proxy ?? DEFAULT_PROXY });
  if ('problem' in placed) return unwritten(path, placed.problem);
  if (placed.isMoved)
    findings.push(noted([...path, 'proxy'], 'the port is that which cmd is given, ${PORT}: requests are sent there'));
  const [program = '', ...args] = placed.words;
  const ready = readyOf(model, isContainer(words));
  if (ready === undefined)
    return unwritten(path, 'a container needs a checkEndpoint, as its port is open before its server is. Add a path.');
  const command = commandPath(program, folder, path, findings);
  const { filters, findings: filtered } = filtersOf(model.filters, [...path, 'filters']);
  findings.push(...filtered);
  const isComfy = id === COMFY.id;
  const limit = Math.max(model.concurrencyLimit ?? 0, isComfy ? COMFY.leastConcurrency : 0);
  const ttl = model.ttl === undefined || model.ttl < 0 ? (config.globalTTL ?? 0) : model.ttl;
  const unload =
    model.unloadTimeout === undefined || model.unloadTimeout === 0 ? config.unloadTimeout : model.unloadTimeout;
  if (unload !== undefined && unload > STOP_COMMAND_S && placed.stop.length > 0)
    findings.push(noted([...path, 'cmdStop'], `it may take ${STOP_COMMAND_S} s, whatever unloadTimeout says`));
  const resources = {
    ...(surroundings.isPinned && { pin: true }),
    ...(surroundings.priority !== undefined && { priority: surroundings.priority }),
    ...(ttl > 0 && { idle_release_ms: ttl * 1_000 }),
  };
  const manifest = {
    name,
    ...textField('description', model.description),
    worker: 'http',
    command,
    ...(args.length > 0 && { args }),
    ...(Object.keys(placed.variables).length > 0 && { env_vars: placed.variables }),
    ...(variables.passed.length > 0 && { pass_env: variables.passed }),
    ...(placed.basePath !== undefined && { base_path: placed.basePath }),
    ...(ready !== 'default' && { ready }),
    ...(placed.stop.length > 0 && { stop_command: placed.stop }),
    ...((model.compat?.ignoreWebsockets === true || isComfy) && { websockets: 'free' }),
    models: modelNames(id, model),
    ...textField('use_model_name', model.useModelName),
    ...(filters !== undefined && { filters }),
    ...(model.unlisted === true && { unlisted: true }),
    ...textField('display_name', model.name),
    ...valuesField('metadata', model.metadata),
    ...valuesField('capabilities', model.capabilities),
    ...(limit > 0 && { max_concurrency: limit }),
    ...(config.healthCheckTimeout !== undefined && {
      start_timeout_ms: Math.max(config.healthCheckTimeout, LEAST_START_S) * 1_000,
    }),
    ...(unload !== undefined && unload > 0 && { stop_timeout_ms: unload * 1_000 }),
    ...valuesField('resources', resources),
  };
  return { manifest, findings };
}

/** A model that cannot run here, and why. */
export function unwritten(path: ConfigPath, why: string): Made {
  return { manifest: undefined, findings: [refused(path, `not written: ${why}`)] };
}

/** The names by which requests find a model: its own, and its aliases, which keys of setParamsByID are as well. */
export function modelNames(id: string, { aliases = [], filters }: Model): string[] {
  const others = aliases.map((alias) => (typeof alias === 'string' ? alias : alias.id));
  return [...new Set([id, ...others, ...Object.keys(filters?.setParamsByID ?? {})])];
}

/** Variables to set, and those to pass on under their own names, which keeps their values out of the manifest. */
function variablesOf({ env = [] }: Model, path: ConfigPath, findings: Finding[]) {
  const values: Record<string, string> = {};
  const passed: string[] = [];
  for (const [index, entry] of env.entries()) {
    const end = entry.indexOf('=');
    const [name, value] = [entry.slice(0, Math.max(end, 0)), entry.slice(end + 1)];
    if (end < 1) findings.push(refused([...path, 'env', index], `expected NAME=value, got "${entry}"`));
    else if (soleVariable(value) === name) passed.push(name);
    else values[name] = value;
  }
  return { values, passed };
}

function stopWords(
  { cmdStop = '' }: Model,
  path: ConfigPath,
  platform: NodeJS.Platform,
  findings: Finding[],
): readonly string[] {
  if (!cmdStop.includes('${PID}')) return commandWords(cmdStop, platform);
  findings.push(
    noted(
      [...path, 'cmdStop'],
      'left out, as it ends a process: Greenroom sends SIGTERM, then SIGKILL, to all of them',
    ),
  );
  return [];
}

/** Undefined where it cannot be told when the server is ready. */
function readyOf({ checkEndpoint = '' }: Model, isInContainer: boolean) {
  const path = checkEndpoint.trim();
  const owner = isInContainer ? { owner: false } : {};
  if (path === 'none') return isInContainer ? undefined : 'port';
  if (path === '' || path === '/health') return isInContainer ? owner : 'default';
  return { path, ...owner };
}

/** A program of a folder is named by its whole path, as a relative one would count from the manifest. */
function commandPath(program: string, folder: string, path: ConfigPath, findings: Finding[]): string {
  if (!/[/\\]/.test(program) || isAbsolute(program)) return program;
  const whole = resolve(folder, program);
  findings.push(noted([...path, 'cmd'], `"${program}" is written as ${whole}`));
  return whole;
}

/** The port is known where the server is started and stopped. Other values that name it are left out. */
function withoutPorts({ cmd, cmdStop, env, proxy, ...others }: Model, path: ConfigPath, findings: Finding[]): Model {
  return { ...(withoutPort(others, path, findings) as Model), cmd, cmdStop, env, proxy };
}

function withoutPort(value: unknown, path: ConfigPath, findings: Finding[]): unknown {
  if (typeof value === 'string' && value.includes('${PORT}')) {
    findings.push(refused(path, 'left out: the port is another one at each start'));
    return undefined;
  }
  const isKept = (each: unknown): boolean => each !== undefined;
  if (Array.isArray(value))
    return value.map((each, index) => withoutPort(each, [...path, index], findings)).filter(isKept);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, withoutPort(each, [...path, key], findings)]);
  return Object.fromEntries(entries.filter(([, each]) => isKept(each))) as unknown;
}

function textField(name: string, text: string | undefined): Readonly<Record<string, string>> {
  return text === undefined || text === '' ? {} : { [name]: text };
}

function valuesField(name: string, values: unknown): Readonly<Record<string, unknown>> {
  return typeof values === 'object' && values !== null && Object.keys(values).length > 0 ? { [name]: values } : {};
}
