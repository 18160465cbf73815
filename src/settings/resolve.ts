import { join, resolve } from 'node:path';
import { z } from 'zod';
import { workingDirectory } from '../files/working-directory.ts';
import { frozen } from '../json/frozen.ts';
import type { PolicyName } from '../scheduler/policies/policies.ts';
import type { Policy } from '../scheduler/policies/policy.ts';
import { checked, OPTIONS } from './check.ts';
import { readEnvironment, VARIABLES } from './environment.ts';
import { expandHome, placesIn } from './places.ts';
import { type SupervisorSettings, settingsShape } from './schema.ts';
import { readSettingsFile } from './settings-file.ts';
import type { Capacity, InspectSettings } from './values.ts';

const completeSchema = z.object(settingsShape);

type Complete = z.output<z.ZodObject<typeof settingsShape>>;

/** The settings with nothing left open. Times in milliseconds. */
export interface ResolvedSettings extends Readonly<Complete> {
  readonly searchPaths: readonly string[];
  /** The search paths that somebody has named; those that are looked in by default need not be there. */
  readonly namedPaths: readonly string[];
  readonly mcpConfigs: readonly string[];
  /**
   * The data directory as it is without `greenroom.json`, which comes with a project: what is the user's own word, such as
   * whom to trust, counts in this one alone.
   */
  readonly userDataDir: string;
  readonly policy: PolicyName | Policy;
  readonly inspect: false | InspectSettings;
}

/** Where settings are looked for beside the options. */
export interface SettingsSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** Completes the options of a supervisor. Throws `E_OPTIONS` naming the setting, where it stands, and what is wrong. */
export function resolveSettings(
  options: SupervisorSettings,
  sources: SettingsSources = { env: process.env, cwd: workingDirectory() },
): ResolvedSettings {
  const { env, cwd } = sources;
  const file = join(cwd, 'greenroom.json');
  const defaults = completeSchema.parse({});
  const ofFile = settingsIn(readSettingsFile(file), file);
  const ofUser = {
    ...settingsIn(readEnvironment(env), 'the environment', (setting) => VARIABLES.get(setting)?.name ?? setting),
    ...settingsIn(options, OPTIONS),
  };
  const settings = { ...defaults, ...ofFile, ...ofUser };
  const { capacity, policy, nodePath, inspect } = settings;
  const { dataDir, searchPaths, namedPaths, mcpConfigs } = placesIn(cwd, settings);
  return {
    ...settings,
    // These two are shown by `status()`.
    searchPaths: frozen(searchPaths),
    namedPaths,
    dataDir,
    userDataDir: placesIn(cwd, { ...defaults, ...ofUser }).dataDir,
    mcpConfigs,
    policy: policy ?? (isLimited(capacity) ? 'queue' : 'permissive'),
    capacity: frozen(capacity),
    nodePath: nodePath === undefined ? undefined : programPath(cwd, nodePath),
    inspect: inspect === true ? {} : inspect,
  };
}

/** Whether the environment or `greenroom.json` gives a setting, for who has a default of its own. Throws `E_OPTIONS`. */
export function isGiven(
  setting: keyof SupervisorSettings,
  { env, cwd }: SettingsSources = { env: process.env, cwd: workingDirectory() },
): boolean {
  const file = join(cwd, 'greenroom.json');
  return setting in readEnvironment(env) || setting in settingsIn(readSettingsFile(file), file);
}

/** What one source may hold: any of the settings, and of a file the name of its schema. */
const sourceSchema = z.strictObject({
  $schema: z.string().optional(),
  ...Object.fromEntries(Object.entries(settingsShape).map(([name, schema]) => [name, withoutDefault(schema)])),
});

/** A default in one source would overrule the sources after it. */
function withoutDefault(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodDefault ? z.optional(schema.unwrap()) : schema;
}

/** The settings that one source has, checked. */
function settingsIn(source: unknown, where: string, nameOf?: (setting: string) => string) {
  const { $schema: _, ...settings } = checked(sourceSchema, source, where, nameOf);
  const defined = Object.entries(settings).filter(([, value]) => value !== undefined);
  // The schema is that of the settings, which `Object.fromEntries` does not tell the compiler.
  return Object.fromEntries(defined) as { [Name in keyof Complete]?: Exclude<Complete[Name], undefined> };
}

function isLimited(capacity: Capacity): boolean {
  return Object.values(capacity).some((amount) => amount !== undefined);
}

/** A bare name stays one, to be looked for on `PATH`. */
function programPath(cwd: string, program: string): string {
  return /[/\\]/.test(program) ? resolve(cwd, expandHome(program)) : program;
}
