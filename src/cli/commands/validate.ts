import { type Stats, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { messageOf } from '../../errors.ts';
import { readText } from '../../files/file-text.ts';
import type { ManifestProblem } from '../../manifest/manifest-problem.ts';
import { checkPaths, type ManifestEntry, readManifest } from '../../manifest/read.ts';
import { FOLDER_MANIFEST, searchPathFault } from '../../manifest/search-path.ts';
import { configFileAt } from '../../mcp-config/config-files.ts';
import { isProjectFile } from '../../python-envs/environment-plan.ts';
import { RequirementsFault, readRequirements } from '../../python-envs/requirements.ts';
import { instanceIssues } from '../../settings/instance-limits.ts';
import { resolveConfig } from '../../settings/plugin-config.ts';
import { type ResolvedSettings, resolveSettings } from '../../settings/resolve.ts';
import { oneLine } from '../../text/printable.ts';
import { defineCommand, SETTINGS_OPTIONS, settingsOf } from '../command.ts';
import { discoverIn } from '../discovered.ts';
import { isError, problemRows } from '../problems.ts';
import { displayPath } from '../terminal/display-path.ts';
import type { Style } from '../terminal/style.ts';

/** What came of checking one file. */
interface Checked {
  readonly file: string;
  readonly entry?: ManifestEntry | undefined;
  /** The plugins of a configuration of an MCP client, in place of an entry. */
  readonly servers?: readonly string[] | undefined;
  readonly problems: readonly ManifestProblem[];
}

/** `greenroom validate`: checks manifests, with the files and programs that they name. */
export const command = defineCommand({
  usage: 'validate [FILE OR FOLDER]…',
  about:
    'Checks manifests: their fields, their config schemas, whether the files and programs they name exist, and whether\ntheir instances fit into the capacity. For a folder, checks every manifest in it; without arguments, checks the\nsearch paths. Configurations of MCP clients are checked as well.',
  options: SETTINGS_OPTIONS,
  operands: [0, Number.POSITIVE_INFINITY],
  examples: [
    ['greenroom validate', 'everything that would be discovered'],
    ['greenroom validate plugins/whisper/manifest.json', 'one file'],
  ],
  statuses: [0, 2, 4],
  async run({ values, operands, terminal }) {
    const settings = resolveSettings(settingsOf(values));
    const checked = await checkAll(
      operands.map((path) => resolve(path)),
      settings,
    );
    const wrong = checked.filter(({ problems }) => problems.some(isError)).length;
    if (terminal.json) {
      const files = checked.map(({ file, entry, servers, problems }) => {
        const { name, version, worker } = entry?.manifest ?? {};
        return { file, valid: !problems.some(isError), name, version, worker, servers, problems };
      });
      await terminal.printJson({ valid: wrong === 0, files });
    } else {
      for (const file of checked) await terminal.print(describe(file, terminal.out).join('\n'));
      const all = checked.length === 1 ? '1 manifest' : `${checked.length} manifests`;
      terminal.note(wrong === 0 ? `${all}, all valid` : `${all}, ${wrong} not valid`);
    }
    return wrong === 0 ? 0 : 4;
  },
});

/** Checks files and folders, by default what would be discovered. A named folder without a manifest is a mistake. */
async function checkAll(operands: readonly string[], settings: ResolvedSettings): Promise<Checked[]> {
  const named = operands.length > 0;
  const paths = named ? operands : settings.searchPaths;
  const configs = named ? [] : await Promise.all(settings.mcpConfigs.map((path) => checkConfig(path, settings)));
  const checked = await Promise.all(
    paths.map(async (path) => {
      const isFolder = statOf(path)?.isDirectory() === true;
      if (!isFolder && named) return checkNamed(path, settings);
      const fault = settings.namedPaths.includes(path) ? searchPathFault(path) : undefined;
      if (!isFolder) return fault === undefined ? [] : [failed(path, fault)];
      const own = join(path, FOLDER_MANIFEST);
      if (statOf(own) !== undefined) return [await checkFile(own, settings)];
      const found = await checkFolder(path, settings);
      return found.length === 0 && named ? [failed(path, 'contains no manifest')] : found;
    }),
  );
  return [...checked, ...configs].flat();
}

async function checkNamed(file: string, settings: ResolvedSettings): Promise<Checked[]> {
  return isConfig(file, settings) ? checkConfig(file, settings) : [await checkFile(file, settings)];
}

/** Whether a file is a configuration of an MCP client, by the settings, by its name, or by what it holds. */
function isConfig(file: string, { mcpConfigs }: ResolvedSettings): boolean {
  const places = { platform: process.platform, env: process.env, home: homedir(), cwd: dirname(file) };
  if (mcpConfigs.includes(file) || configFileAt(file, places).client !== 'unknown') return true;
  const found = readText(file);
  return found !== null && 'text' in found && /"(mcpServers|context_servers)"\s*:/.test(found.text);
}

/** Checks a configuration of an MCP client; nothing for that of the data directory where it is not there. */
async function checkConfig(file: string, settings: ResolvedSettings): Promise<Checked[]> {
  const { entries, problems } = await discoverIn(settings, { searchPaths: [], mcpConfigs: [file] });
  if (statOf(file) === undefined && problems.length === 0) return [];
  return [{ file, servers: entries.map(({ manifest }) => manifest.name), problems }];
}

/** Undefined for what cannot be looked at; why, is said when it is read. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

async function checkFile(file: string, settings: ResolvedSettings): Promise<Checked> {
  const reading = readManifest(file, file, (manifest) => instanceIssues(manifest, settings));
  if (reading === null) return failed(file, 'does not exist');
  const { entry, problems } = reading;
  return { file, entry, problems: entry === undefined ? problems : [...problems, ...(await checkEntry(entry))] };
}

async function checkFolder(folder: string, settings: ResolvedSettings): Promise<Checked[]> {
  const { entries, shadowed, problems } = await discoverIn(settings, { searchPaths: [folder], mcpConfigs: [] });
  const all = [...entries, ...shadowed.map(({ entry }) => entry)];
  const files = [...new Set([...all, ...problems].map(({ file }) => file))].toSorted();
  return Promise.all(
    files.map(async (file) => {
      const entry = all.find((candidate) => candidate.file === file);
      const own = problems.filter((problem) => problem.file === file);
      return { file, entry, problems: entry === undefined ? own : [...own, ...(await checkContents(entry))] };
    }),
  );
}

async function checkEntry(entry: ManifestEntry): Promise<ManifestProblem[]> {
  return [...checkPaths(entry), ...(await checkContents(entry))];
}

/** What is wrong with the files and schemas that a manifest has, where they are there. */
async function checkContents(entry: ManifestEntry): Promise<ManifestProblem[]> {
  return [...checkRequirements(entry), ...(await checkSchema(entry))];
}

/** What would keep the packages of a Python plugin from being installed. That the file is missing is said before. */
function checkRequirements({ file, resolved: { requirements } }: ManifestEntry): ManifestProblem[] {
  if (requirements === undefined || isProjectFile(requirements) || statOf(requirements) === undefined) return [];
  try {
    readRequirements(requirements, {});
    return [];
  } catch (error) {
    if (!(error instanceof RequirementsFault)) throw error;
    return [{ file, field: 'python.requirements', reason: error.message, severity: 'error' }];
  }
}

/** A config schema that is invalid, or whose own defaults do not fit it, keeps the plugin from starting. */
async function checkSchema({ file, manifest }: ManifestEntry): Promise<ManifestProblem[]> {
  try {
    await resolveConfig(manifest.config_schema, undefined, manifest.name);
    return [];
  } catch (error) {
    const isSchema = error instanceof Error && error.cause !== undefined;
    return isSchema ? [{ file, field: 'config_schema', reason: messageOf(error), severity: 'error' }] : [];
  }
}

function failed(file: string, reason: string): Checked {
  return { file, problems: [{ file, reason, severity: 'error' }] };
}

function describe({ file, entry, servers, problems }: Checked, style: Style): string[] {
  const mark = problems.some(isError) ? style.red('✗') : problems.length > 0 ? style.yellow('!') : style.green('✓');
  const { name, version = '', worker } = entry?.manifest ?? {};
  const what =
    servers !== undefined
      ? style.dim(servers.length === 0 ? 'no servers' : servers.map(oneLine).join(', '))
      : name === undefined
        ? ''
        : style.dim([name, oneLine(version), worker].filter((part) => part !== '').join(' '));
  return [`${mark} ${displayPath(file)}  ${what}`.trimEnd(), ...problemRows(problems, style)];
}
