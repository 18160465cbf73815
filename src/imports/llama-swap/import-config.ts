import { GreenroomError } from '../../errors.ts';
import { parseManifest } from '../../manifest/schema.ts';
import { type Config, checkConfig } from './config.ts';
import { fillVariables, markVariables } from './environment.ts';
import { type ConfigPath, type Finding, pathText, refused } from './finding.ts';
import { findKeys } from './known-keys.ts';
import { isObject, replaceMacros } from './macros.ts';
import { type Made, type ManifestFields, modelManifest, unwritten } from './model-manifest.ts';
import { peerManifests, peerModels } from './peer-manifests.ts';
import { pluginNames } from './plugin-names.ts';
import type { ReadYaml } from './source.ts';
import { togetherOf } from './together.ts';

/** A configuration to import. */
export interface ImportRequest {
  readonly text: string;
  /** What messages call the file. */
  readonly file: string;
  /** The file's folder, absolute. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
}

/** A finding with its line, from 1. */
export interface LocatedFinding extends Finding {
  readonly line: number;
}

/** What a configuration came to. */
export interface Imported {
  /** By the names of their plugins. */
  readonly manifests: ReadonlyMap<string, ManifestFields>;
  /** The content of `greenroom.json`. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** In the order of the file. */
  readonly findings: readonly LocatedFinding[];
}

/**
 * What servers of models read from the environment. llama-swap passes on all of it, Greenroom what is named.
 *
 * @see docs/coming-from-llama-swap.md
 */
const PASSED = ['GGML_*', 'HF_*', 'HIP_*', 'HSA_*', 'LLAMA_*', 'ROCR_*', 'VLLM_*', '*_PROXY', '*_proxy'];

/** Makes manifests and settings of a configuration of llama-swap. Throws `E_OPTIONS` with the line of what is not valid. */
export function importConfig(request: ImportRequest, readYaml: ReadYaml): Imported {
  const { text, file, folder, env, platform } = request;
  const { value, lineOf } = readYaml(markVariables(text), file);
  const refuse = (path: ConfigPath, reason: string): never => {
    const where = path.length === 0 ? '' : `${pathText(path)}: `;
    throw new GreenroomError('E_OPTIONS', `${file}, line ${lineOf(path)}: ${where}${reason}`);
  };
  if (!isObject(value)) return refuse([], 'expected the keys of a configuration of llama-swap, such as "models"');
  const { config: filled, findings: variables } = fillVariables(replaceMacros(value, refuse), env, refuse);
  const config = checkConfig(filled, refuse);
  checkNames(config, refuse);
  const together = togetherOf(config, refuse);
  const names = pluginNames([...Object.keys(config.models), ...peerModels(config).map(({ id }) => id)]);
  const { priorities, unknown } = prioritiesOf(config);
  const made = Object.entries(config.models).map(([id, model]) => {
    const isPinned = together.pinned.has(id);
    const name = names.get(id) ?? id;
    return usable(
      ['models', id],
      modelManifest(id, model, { config, name, folder, platform, isPinned, priority: priorities.get(id) }),
    );
  });
  const peers = peerManifests(config, names);
  const manifests = [...made.map(({ manifest }) => manifest), ...peers.manifests].filter((each) => each !== undefined);
  const special = [
    ...together.findings,
    ...made.flatMap(({ findings }) => findings),
    ...peers.findings,
    ...unknown,
    ...variables,
  ];
  const findings = counting(special, findKeys(value)).map((finding) => ({ ...finding, line: lineOf(finding.path) }));
  return {
    manifests: new Map(manifests.map((manifest) => [String(manifest['name']), manifest])),
    settings: {
      capacity: { slots: together.slots },
      passEnv: PASSED,
      ...(config.logLevel !== undefined && { logLevel: config.logLevel }),
    },
    findings: findings.toSorted((a, b) => a.line - b.line),
  };
}

/** A name that two models have would be that of the one that is found first. */
function checkNames({ models }: Config, refuse: (path: ConfigPath, reason: string) => never): void {
  const owners = new Map(Object.keys(models).map((id) => [id, id]));
  for (const [id, { aliases = [] }] of Object.entries(models)) {
    for (const [index, alias] of aliases.entries()) {
      const name = typeof alias === 'string' ? alias : alias.id;
      const owner = owners.get(name);
      if (owner !== undefined) refuse(['models', id, 'aliases', index], `"${name}" is a name of "${owner}" already`);
      owners.set(name, id);
    }
  }
}

/** The priorities of models, which may be named by their aliases, and findings for names that no model has. */
function prioritiesOf({ models, routing }: Config) {
  const priorities = new Map<string, number>();
  const unknown: Finding[] = [];
  for (const [name, priority] of Object.entries(routing?.scheduler?.settings?.fifo?.priority ?? {})) {
    const id = Object.keys(models).find((each) => each === name || aliasesOf(models[each]?.aliases).includes(name));
    if (id !== undefined) priorities.set(id, priority);
    else
      unknown.push(refused(['routing', 'scheduler', 'settings', 'fifo', 'priority', name], 'there is no such model'));
  }
  return { priorities, unknown };
}

function aliasesOf(aliases: Config['models'][string]['aliases'] = []): string[] {
  return aliases.map((alias) => (typeof alias === 'string' ? alias : alias.id));
}

/** A manifest that would not be valid is not written. */
function usable(path: ConfigPath, made: Made): Made {
  if (made.manifest === undefined) return made;
  const parsed = parseManifest(made.manifest);
  if (parsed.ok) return made;
  const reasons = parsed.issues.map(({ field, reason }) => `${field}: ${reason}`).join('; ');
  return unwritten(path, reasons);
}

/** The findings that count: those of this configuration before those of the table, and of what is not written, one. */
function counting(special: readonly Finding[], byTable: readonly Finding[]): Finding[] {
  const unwritten = special.filter(({ path, verdict }) => path.length === 2 && verdict === 'refused');
  const own = special.filter((finding) => !unwritten.some((whole) => whole !== finding && isWithin(finding, whole)));
  return [...byTable.filter((finding) => !special.some((whole) => isWithin(finding, whole))), ...own];
}

function isWithin({ path }: Finding, whole: Finding): boolean {
  return whole.path.every((step, index) => step === path[index]);
}
