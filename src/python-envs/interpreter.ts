import { stampOf } from '../files/file-text.ts';
import { programAnswer } from '../process/program-answer.ts';
import { findProgram } from '../process/program-path.ts';
import { isVersionSpec, meetsSpec } from './version-spec.ts';

/** What a Python says of itself. */
export interface PythonFacts {
  /** Such as `3.11.7`. */
  readonly version: string;
  /** Where it lies, whatever it was started by. */
  readonly executable: string;
  /** How names of wheels call it, such as `cp311`. */
  readonly tag: string;
  /** What its compiled modules end in, such as `cpython-311-x86_64-linux-gnu`; null where it has none. */
  readonly abi: string | null;
  /** Such as `linux-x86_64`. */
  readonly platform: string;
  /** The version of its pip; null where it has none. */
  readonly pip: string | null;
  /** Whether it can give a new environment a pip: Debian has that in a package of its own. */
  readonly ensurepip: boolean;
  readonly venv: boolean;
  /** The `[project]` of the file that it was asked for; null where it cannot read such files. */
  readonly project: ProjectTable | null;
}

/** What of the `[project]` of a `pyproject.toml` is read, whatever its types are. */
export interface ProjectTable {
  /** Why the file says nothing: it is not there, or not valid. */
  readonly fault?: string;
  readonly dependencies?: unknown;
  readonly dynamic?: unknown;
  readonly requires?: unknown;
}

/** A Python that an environment can be made of. */
export interface Interpreter extends PythonFacts {
  /** The program by which it is started. */
  readonly program: string;
}

/** A Python that was looked at, and why it is not taken. */
export interface OtherInterpreter {
  readonly program: string;
  readonly reason: string;
}

/** Where programs are looked for, and with which variables they run. */
export interface Surroundings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What {@link PythonFacts} are asked by. It runs in any Python 3. */
const QUESTION = `
import json, sys, sysconfig
from importlib.util import find_spec
def found(name):
    try:
        return find_spec(name)
    except (ImportError, ValueError):
        return None
def pip():
    spec = found("pip")
    if spec is None or not spec.origin:
        return None
    with open(spec.origin) as file:
        lines = [line for line in file if line.startswith("__version__")]
    return lines[0].split("=")[1].strip(" \\"'\\n") if lines else None
def project(path):
    try:
        import tomllib
    except ImportError:
        try:
            from pip._vendor import tomli as tomllib
        except ImportError:
            return None
    try:
        with open(path, "rb") as file:
            table = tomllib.load(file).get("project")
    except Exception as error:
        return {"fault": str(error)}
    if not isinstance(table, dict):
        return {"fault": "it has no table [project]"}
    return {"dependencies": table.get("dependencies", []), "dynamic": table.get("dynamic", []), "requires": table.get("requires-python")}
kind = {"cpython": "cp", "pypy": "pp"}.get(sys.implementation.name, sys.implementation.name)
print(json.dumps({
    "version": "%d.%d.%d" % sys.version_info[:3],
    "executable": sys.executable,
    "tag": "%s%d%d%s" % (kind, sys.version_info[0], sys.version_info[1], getattr(sys, "abiflags", "")),
    "abi": sysconfig.get_config_var("SOABI"),
    "platform": sysconfig.get_platform(),
    "pip": pip(),
    "ensurepip": found("ensurepip") is not None,
    "venv": found("venv") is not None,
    "project": project(sys.argv[1]) if len(sys.argv) > 1 else None,
}))
`;

/** The names of Python 3 on `PATH`: the usual one, and then those of each version, the newest first. */
const NAMES =
  process.platform === 'win32'
    ? ['python.exe', 'python3.exe']
    : ['python3', ...Array.from({ length: 12 }, (_, at) => `python3.${20 - at}`)];

/** The Pythons that were asked, and what they answered. */
export class Interpreters {
  readonly #answers = new Map<string, { readonly stamps: string; readonly facts: PythonFacts }>();

  /**
   * The first Python that meets a specifier, or every one that was looked at. Only the program is looked at where one is
   * given; else what `PATH` has. Rejects where the signal aborts.
   *
   * @param project a `pyproject.toml` to read
   */
  async find(
    {
      program,
      version,
      project,
    }: { program: string | undefined; version: string | undefined; project: string | undefined },
    { cwd, env }: Surroundings,
    signal: AbortSignal,
  ): Promise<{ readonly found: Interpreter | undefined; readonly others: readonly OtherInterpreter[] }> {
    const others: OtherInterpreter[] = [];
    for (const name of program === undefined ? NAMES : [program]) {
      const path = findProgram(name, cwd, env['PATH']);
      if (path === undefined) {
        if (program !== undefined) others.push({ program, reason: 'was not found' });
        continue;
      }
      const facts = await this.#ask(path, project, { cwd, env }, signal);
      const reason = facts === undefined ? 'does not run' : unfitness(facts, version, project);
      if (facts !== undefined && reason === undefined) return { found: { program: path, ...facts }, others };
      others.push({ program: path, reason: reason ?? 'does not run' });
    }
    return { found: undefined, others };
  }

  async #ask(
    program: string,
    project: string | undefined,
    surroundings: Surroundings,
    signal: AbortSignal,
  ): Promise<PythonFacts | undefined> {
    const stamps = JSON.stringify([stampOf(program), project === undefined ? null : stampOf(project)]);
    const key = JSON.stringify([program, project, surroundings.cwd]);
    const known = this.#answers.get(key);
    if (known?.stamps === stamps) return known.facts;
    const answer = await programAnswer(program, ['-c', QUESTION, ...(project === undefined ? [] : [project])], {
      ...surroundings,
      signal,
    });
    const facts = factsIn(answer);
    if (facts !== undefined) this.#answers.set(key, { stamps, facts });
    return facts;
  }
}

/** Why a Python is not the one that is wanted; undefined where it is. */
function unfitness(
  { version, project }: PythonFacts,
  wanted: string | undefined,
  projectFile: string | undefined,
): string | undefined {
  if (projectFile !== undefined && project === null) return `is ${version}, which cannot read pyproject.toml`;
  const specs = [wanted, project?.requires].filter((spec) => typeof spec === 'string');
  const unmet = specs.find((spec) => isVersionSpec(spec) && !meetsSpec(version, spec));
  return unmet === undefined ? undefined : `is ${version}, not ${unmet}`;
}

/** Undefined where a program answered something else. */
function factsIn(answer: string | undefined): PythonFacts | undefined {
  try {
    const facts = JSON.parse(answer ?? '') as PythonFacts;
    return typeof facts.version === 'string' && typeof facts.executable === 'string' ? facts : undefined;
  } catch {
    return undefined;
  }
}
