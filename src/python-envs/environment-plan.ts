import { createHash } from 'node:crypto';
import { dirname, extname } from 'node:path';
import { GreenroomError } from '../errors.ts';
import { findInstaller, type Installer } from './installer.ts';
import type { Interpreter, Interpreters, OtherInterpreter, ProjectTable, Surroundings } from './interpreter.ts';
import { type Requirements, RequirementsFault, readRequirements, requirementsOf } from './requirements.ts';

/** What a manifest says of the environment of its plugin. */
export interface EnvironmentNeed {
  /** The absolute path of a file of requirements, or of a `pyproject.toml`. */
  readonly requirements: string;
  /** Which versions of Python will do, as `>=3.10`; undefined: any. */
  readonly version?: string | undefined;
  /** The Python that the manifest names; undefined: one on `PATH`. */
  readonly interpreter?: string | undefined;
}

/** Whose environment it is. */
export interface EnvironmentOwner {
  readonly plugin: string;
  /** The file of the manifest. */
  readonly manifest: string;
}

/** An environment as it has to be, before it is there. */
export interface EnvironmentPlan extends EnvironmentOwner, Surroundings {
  /** The same for what comes to the same environment. */
  readonly key: string;
  /** The file that the manifest names. */
  readonly file: string;
  readonly requirements: Requirements;
  /** What the installer is given in place of the file, which it cannot read; undefined: the file. */
  readonly listed: string | undefined;
  readonly interpreter: Interpreter;
  readonly installer: Installer;
}

/**
 * Works out which environment a plugin needs now. Rejects with `E_MANIFEST` where the requirements cannot be installed,
 * with `E_START` where this machine has no Python for them, or nothing to install them by, and where the signal aborts.
 */
export async function planEnvironment(
  { requirements: file, version, interpreter: program }: EnvironmentNeed,
  owner: EnvironmentOwner,
  env: Surroundings['env'],
  interpreters: Interpreters,
  signal: AbortSignal,
): Promise<EnvironmentPlan> {
  // The paths of requirements begin where the installer runs.
  const surroundings: Surroundings = { cwd: dirname(file), env };
  const project = isProjectFile(file) ? file : undefined;
  const ofFile = project === undefined ? checked(owner, () => readRequirements(file, env)) : undefined;
  const { found, others } = await interpreters.find({ program, version, project }, surroundings, signal);
  if (found === undefined) throw noInterpreter(owner, others, version);
  const dependencies = project === undefined ? undefined : checked(owner, () => dependenciesOf(found.project, file));
  const requirements = ofFile ?? checked(owner, () => requirementsOf(dependencies ?? [], file, env));
  const installer = await findInstaller(found, surroundings, signal);
  if (installer === undefined) throw noInstaller(owner, found);
  return {
    ...owner,
    ...surroundings,
    key: keyOf(requirements, found, installer, env),
    file,
    requirements,
    listed: dependencies?.map((line) => `${line}\n`).join(''),
    interpreter: found,
    installer,
  };
}

/** Whether a file of requirements is a `pyproject.toml`, which an interpreter has to read. */
export function isProjectFile(file: string): boolean {
  return extname(file) === '.toml';
}

/** Everything that decides what is installed, and for which Python. */
function keyOf(
  { lines, wheels }: Requirements,
  { executable, version, abi, platform }: Interpreter,
  { name }: Installer,
  env: Surroundings['env'],
): string {
  const variables = Object.entries(env).flatMap(([variable, value]) =>
    /^(?:PIP|UV)_(?!CACHE_DIR$)/.test(variable) ? [`${variable}=${value}`] : [],
  );
  const all = [lines, wheels, executable, version, abi, platform, name, variables.toSorted()];
  return createHash('sha256').update(JSON.stringify(all)).digest('hex');
}

/** The dependencies of a project: what is in the tables of other tools is not read. */
function dependenciesOf(project: ProjectTable | null, file: string): readonly string[] {
  const { fault, dependencies, dynamic } = project ?? {};
  if (fault !== undefined) throw new RequirementsFault(`${file} cannot be used: ${fault}`);
  if (Array.isArray(dynamic) && dynamic.includes('dependencies')) {
    throw new RequirementsFault(`${file}: its dependencies are dynamic; list them in a requirements.txt`);
  }
  if (Array.isArray(dependencies) && dependencies.every((each) => typeof each === 'string')) return dependencies;
  throw new RequirementsFault(`${file}: project.dependencies: expected a list of texts`);
}

function checked<T>({ plugin, manifest }: EnvironmentOwner, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RequirementsFault)) throw error;
    const message = `The packages of "${plugin}" cannot be installed: ${error.message}. Fix it, or "python" in ${manifest}.`;
    throw new GreenroomError('E_MANIFEST', message, { plugin, cause: error });
  }
}

function noInterpreter(
  { plugin, manifest }: EnvironmentOwner,
  others: readonly OtherInterpreter[],
  version: string | undefined,
): GreenroomError {
  const wanted = version === undefined ? 'Python' : `Python ${version}`;
  const looked =
    others.map(({ program, reason }) => `${program} ${reason}`).join('; ') || 'nothing named python3 on PATH';
  const message = `"${plugin}" needs ${wanted}, which was not found. Looked at: ${looked}. Install one, or name it as "python_path" in ${manifest}.`;
  return new GreenroomError('E_START', message, { plugin });
}

function noInstaller({ plugin }: EnvironmentOwner, { program, version, pip, venv }: Interpreter): GreenroomError {
  const [major, minor] = version.split('.');
  const own = pip === null ? 'no pip' : venv ? `only pip ${pip}, which is older than 22.3` : 'no module venv';
  const message = `The packages of "${plugin}" cannot be installed: uv is not on PATH, and ${program} (Python ${version}) has ${own} and no ensurepip. On Debian and Ubuntu run: sudo apt install python${major}.${minor}-venv. Elsewhere install uv.`;
  return new GreenroomError('E_START', message, { plugin });
}
