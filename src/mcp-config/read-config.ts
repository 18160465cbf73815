import { readText } from '../files/file-text.ts';
import { realPath } from '../files/real-path.ts';
import { isObject } from '../json-schema/schema.ts';
import { type McpConfigFile, workspaceOf } from './config-files.ts';
import { readEnvFile } from './env-file.ts';
import { readJsonc } from './jsonc.ts';
import { type McpConfigProblem, reportTo } from './problem.ts';
import { readServer } from './read-server.ts';
import { sectionsOf } from './sections.ts';
import type { McpServer } from './server.ts';
import type { Surroundings } from './variables.ts';

/** What a configuration says, byte by byte: what is trusted or not. */
export interface McpConfigContent {
  readonly file: McpConfigFile;
  /** The folder that the file is about; absent for the user's own. */
  readonly workspace: string | undefined;
  readonly text: string;
  /** The text of each `envFile`, by its path; undefined for one that cannot be read. */
  readonly envFiles: ReadonlyMap<string, string | undefined>;
}

/** What came of reading a configuration file. */
export interface McpConfigReading {
  /** In the order of the file; those that cannot be run are among the problems alone. Names may be given twice. */
  readonly servers: readonly McpServer[];
  readonly problems: readonly McpConfigProblem[];
  /** Absent where the file cannot be read. */
  readonly content?: McpConfigContent | undefined;
  /** The file is there and the system cannot read it, which may pass without a change of it. */
  readonly unreadable?: boolean | undefined;
}

/** A megabyte may hold a hundred thousand mistakes; more than these help nobody to find the first. */
const MAX_PROBLEMS = 100;

/** As many of one section are read: a file of a project is read before anybody has looked at it. */
const MAX_SERVERS = 500;

/**
 * Reads a configuration file of an MCP client, of 1 MiB at the most, with the environment files that it names. Runs nothing
 * and asks nobody. Never throws. Null where there is no such file.
 *
 * Of a project's file, nothing may be run unless `content` is trusted: see {@link trustStore}.
 */
export function readMcpConfig(file: McpConfigFile, surroundings: Surroundings): McpConfigReading | null {
  const found = readText(file.path);
  if (found === null) return null;
  if ('reason' in found) {
    const { reason, unreadable } = found;
    return { servers: [], problems: [{ file: file.path, reason, severity: 'error' }], unreadable };
  }
  return readContent(file, found.text, surroundings);
}

function readContent(file: McpConfigFile, text: string, surroundings: Surroundings): McpConfigReading {
  const problems: McpConfigProblem[] = [];
  const servers: McpServer[] = [];
  const report = reportTo(problems, file.path);
  const ownFolder = file.scope === 'project' ? workspaceOf(file.path, surroundings.platform) : undefined;
  const envFiles = new EnvFiles(problems);
  const document = readJsonc(text);
  if ('reason' in document) report(document.reason === 'is empty' ? 'warning' : 'error', [], document.reason);
  else if (!isObject(document.value)) report('error', [], 'must be a JSON object');
  else {
    const { value, repeated, digitsAt } = document;
    const { client, sections } = sectionsOf(value, file.path, file.client, report);
    for (const at of repeated) {
      const isServers = sections.some(({ path }) => path.every((step, index) => step === at[index]));
      if (isServers) report('warning', at, 'is given twice; the later one counts');
    }
    for (const { path, servers: given, inputs, project } of sections) {
      const all = Object.entries(given);
      if (all.length > MAX_SERVERS)
        report('error', path, `has more than ${MAX_SERVERS} servers; the others are ignored`);
      for (const [name, each] of all.slice(0, MAX_SERVERS)) {
        const server = readServer(name, each, [...path, name], {
          file,
          client,
          surroundings,
          workspace: ownFolder ?? project ?? surroundings.workspace,
          project,
          inputs,
          digitsAt,
          readEnvFile: (path) => envFiles.read(path),
          report: reportTo(problems, file.path, name),
        });
        if (server !== undefined) servers.push(server);
      }
    }
  }
  const workspace = ownFolder === undefined ? undefined : realPath(ownFolder);
  return { servers, problems: firstOf(problems), content: { file, workspace, text, envFiles: envFiles.texts } };
}

/** The environment files of one configuration, each read once, so that what is trusted is what is used. */
class EnvFiles {
  readonly texts = new Map<string, string | undefined>();
  readonly #problems: McpConfigProblem[];
  readonly #read = new Map<string, ReadonlyMap<string, string> | { readonly reason: string }>();

  constructor(problems: McpConfigProblem[]) {
    this.#problems = problems;
  }

  read(path: string): ReadonlyMap<string, string> | { readonly reason: string } {
    const known = this.#read.get(path) ?? this.#open(path);
    this.#read.set(path, known);
    return known;
  }

  #open(path: string): ReadonlyMap<string, string> | { readonly reason: string } {
    const found = path.includes('\0') ? null : readText(path);
    const text = found !== null && 'text' in found ? found.text : undefined;
    this.texts.set(path, text);
    if (text === undefined) {
      return { reason: `the file ${path} ${found !== null && 'reason' in found ? found.reason : 'does not exist'}` };
    }
    const { variables, faults } = readEnvFile(text);
    for (const reason of faults) this.#problems.push({ file: path, reason, severity: 'warning' });
    if ([...variables.values()].some((value) => value.includes('\0'))) {
      return { reason: `the file ${path} contains the character NUL` };
    }
    return variables;
  }
}

function firstOf(problems: readonly McpConfigProblem[]): readonly McpConfigProblem[] {
  const [first] = problems;
  if (first === undefined || problems.length <= MAX_PROBLEMS) return problems;
  const reason = `${problems.length - MAX_PROBLEMS} more problems are not shown`;
  return [...problems.slice(0, MAX_PROBLEMS), { file: first.file, reason, severity: first.severity }];
}
