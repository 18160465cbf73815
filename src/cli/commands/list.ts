import { existsSync } from 'node:fs';
import { GreenroomError } from '../../errors.ts';
import type { ManifestEntry } from '../../manifest/read.ts';
import type { Tool } from '../../protocol.ts';
import { instanceBounds } from '../../settings/instances.ts';
import { oneLine } from '../../text/printable.ts';
import { askTools } from '../asked-tools.ts';
import { defineCommand, SETTINGS_OPTIONS, settingsOf } from '../command.ts';
import { discover } from '../discovered.ts';
import { formatProblems } from '../problems.ts';
import { reportError } from '../report-error.ts';
import { displayPath } from '../terminal/display-path.ts';
import { formatTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { fitText } from '../terminal/text-width.ts';

/** What a manifest says of itself may be of any length. */
const MAX_CELL_COLUMNS = 24;
const MAX_DESCRIPTION_COLUMNS = 72;

/** What is said of a tool in a word. */
const PROPERTIES = [
  ['streams', 'streams'],
  ['read_only', 'read-only'],
  ['idempotent', 'idempotent'],
  ['destructive', 'destructive'],
] as const;

/** `greenroom list`: what is discovered, from where, what shadows what, what is broken, and which tools there are. */
export const command = defineCommand({
  usage: 'list',
  about: 'Lists the plugins in the search paths. Problems with manifests go to standard error.',
  options: {
    category: { type: 'string', short: 'c', value: 'NAME', help: 'only plugins of this category' },
    tools: { type: 'boolean', help: 'list their tools; starts a plugin whose tools are not known yet, and stops it' },
    ...SETTINGS_OPTIONS,
  },
  operands: [0, 0],
  examples: [
    ['greenroom list', 'all plugins'],
    ['greenroom list --category audio --json', 'some of them, for a program'],
    ['greenroom list --tools', 'what they can be called for'],
  ],
  statuses: [0, 2, 4, 130],
  async run({ values, terminal }) {
    const { settings, entries, shadowed, problems } = await discover(settingsOf(values));
    const { searchPaths } = settings;
    const isWanted = ({ manifest }: ManifestEntry): boolean =>
      values.category === undefined || (manifest.category ?? '') === values.category;
    const wanted = entries.filter(isWanted);
    const names = wanted.map(({ manifest }) => manifest.name);
    const asked = values.tools === true ? await askTools(settingsOf(values), names, terminal) : undefined;
    if (asked?.status !== undefined) {
      if (terminal.json) await reportError(new GreenroomError('E_CANCELLED', 'The list was cancelled.'), terminal);
      return asked.status;
    }
    const shadowedBy = (entry: ManifestEntry): ManifestEntry[] =>
      shadowed.filter(({ by }) => by === entry).map((pair) => pair.entry);
    if (terminal.json) {
      const plugins = wanted.map((entry) => ({
        ...plain(entry),
        shadows: shadowedBy(entry).map(({ file }) => file),
        ...(asked === undefined ? {} : { tools: asked.tools.get(entry.manifest.name) ?? null }),
      }));
      const hidden = shadowed
        .filter(({ by }) => isWanted(by))
        .map(({ entry, by }) => ({ ...plain(entry), shadowedBy: by.file }));
      await terminal.printJson({ plugins, shadowed: hidden, problems, searchPaths });
      return 0;
    }
    if (asked !== undefined) await printTools(asked.tools, terminal);
    else if (wanted.length > 0) await printTable(wanted, shadowedBy, terminal);
    if (problems.length > 0)
      terminal.note([...(wanted.length > 0 ? [''] : []), ...formatProblems(problems, terminal.err)].join('\n'));
    if (wanted.length === 0) terminal.note(nothing(entries, values.category, searchPaths));
    return 0;
  },
});

async function printTable(
  entries: readonly ManifestEntry[],
  shadowedBy: (entry: ManifestEntry) => ManifestEntry[],
  terminal: Terminal,
): Promise<void> {
  const { out } = terminal;
  const all = entries.flatMap((entry) => [entry, ...shadowedBy(entry)]);
  const haveSeveral = all.some(({ manifest }) => instanceBounds(manifest.instances).max > 1);
  const counted = haveSeveral ? ['INSTANCES'] : [];
  const rows = [['NAME', 'VERSION', 'CATEGORY', 'WORKER', ...counted, 'MANIFEST'].map(out.bold)];
  for (const entry of entries) {
    const [name = '', ...rest] = cells(entry, haveSeveral);
    rows.push([out.bold(name), ...rest]);
    for (const hidden of shadowedBy(entry)) {
      const [, ...others] = cells(hidden, haveSeveral);
      rows.push(['  shadows', ...others].map(out.dim));
    }
  }
  await terminal.print(formatTable(rows).join('\n'));
}

async function printTools(tools: ReadonlyMap<string, readonly Tool[]>, terminal: Terminal): Promise<void> {
  if (tools.size === 0) return;
  const { out } = terminal;
  const rows = [['NAME', 'TOOL', 'PROPERTIES', 'DESCRIPTION'].map(out.bold)];
  for (const [plugin, listed] of tools) {
    for (const [at, tool] of listed.entries()) {
      const { name, description = '' } = tool;
      const properties = PROPERTIES.filter(([field]) => tool[field] === true).map(([, word]) => word);
      rows.push([
        at === 0 ? out.bold(plugin) : '',
        name,
        properties.join(', '),
        fitText(description, MAX_DESCRIPTION_COLUMNS),
      ]);
    }
  }
  await terminal.print(formatTable(rows).join('\n'));
}

function cells({ manifest, file }: ManifestEntry, withInstances: boolean): string[] {
  const { name, version = '', category = '', worker, instances } = manifest;
  const texts = [version, category].map((text) => fitText(text, MAX_CELL_COLUMNS));
  return [name, ...texts, worker, ...(withInstances ? [instancesText(instances)] : []), displayPath(file)];
}

/** "4", or "1 to 4" where the load decides. */
function instancesText(written: ManifestEntry['manifest']['instances']): string {
  const { min, max } = instanceBounds(written);
  return min === max ? String(max) : `${min} to ${max}`;
}

function plain({ manifest, file, searchPath }: ManifestEntry) {
  const { name, version = '', description = '', category = '', worker } = manifest;
  return {
    name,
    version,
    description,
    category,
    worker,
    instances: instanceBounds(manifest.instances),
    manifest: file,
    searchPath,
  };
}

function nothing(
  entries: readonly ManifestEntry[],
  category: string | undefined,
  searchPaths: readonly string[],
): string {
  if (entries.length > 0) {
    const categories = [...new Set(entries.map(({ manifest }) => manifest.category ?? ''))].filter(
      (name) => name !== '',
    );
    return `No plugins in the category "${category}". Known: ${categories.toSorted().map(oneLine).join(', ') || 'none'}.`;
  }
  return [
    'No plugins in',
    ...searchPaths.map((path) => `  ${displayPath(path)}${existsSync(path) ? '' : ' (does not exist)'}`),
    'Create one: greenroom init my-plugin',
  ].join('\n');
}
