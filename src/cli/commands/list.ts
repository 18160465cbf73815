import { existsSync } from 'node:fs';
import { GreenroomError } from '../../errors.ts';
import type { ListedManifest, Listing } from '../../manifest/listing.ts';
import type { Tool } from '../../protocol.ts';
import { oneLine } from '../../text/printable.ts';
import { askTools, atDaemon, bySupervisor } from '../asked-tools.ts';
import { DAEMON_OPTIONS, defineCommand, SETTINGS_OPTIONS, settingsOf } from '../command.ts';
import { findListing } from '../listing.ts';
import { openDaemon } from '../open-daemon.ts';
import { formatProblems } from '../problems.ts';
import { programName } from '../program-name.ts';
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
    ...DAEMON_OPTIONS,
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
    const daemon = await openDaemon(values, terminal);
    const { listing } = await findListing(daemon, settingsOf(values));
    const { problems, searchPaths } = listing;
    const isWanted = ({ category }: ListedManifest): boolean =>
      values.category === undefined || category === values.category;
    const plugins = listing.plugins.filter(isWanted);
    const files = new Set(plugins.map(({ manifest }) => manifest));
    const shadowed = listing.shadowed.filter(({ shadowedBy }) => files.has(shadowedBy));
    const names = plugins.map(({ name }) => name);
    const source = daemon === undefined ? bySupervisor(settingsOf(values)) : atDaemon(daemon);
    const asked = values.tools === true ? await askTools(source, names, terminal) : undefined;
    if (asked?.status !== undefined) {
      if (terminal.json) await reportError(new GreenroomError('E_CANCELLED', 'The list was cancelled.'), terminal);
      return asked.status;
    }
    if (terminal.json) {
      const withTools = plugins.map((plugin) => ({
        ...plugin,
        ...(asked === undefined ? {} : { tools: asked.tools.get(plugin.name) ?? null }),
      }));
      await terminal.printJson({ plugins: withTools, shadowed, problems, searchPaths });
      return 0;
    }
    if (asked !== undefined) await printTools(asked.tools, terminal);
    else if (plugins.length > 0) await printTable({ ...listing, plugins, shadowed }, terminal);
    if (problems.length > 0)
      terminal.note([...(plugins.length > 0 ? [''] : []), ...formatProblems(problems, terminal.err)].join('\n'));
    if (plugins.length === 0) terminal.note(nothing(listing, values.category));
    return 0;
  },
});

async function printTable({ plugins, shadowed }: Listing, terminal: Terminal): Promise<void> {
  const { out } = terminal;
  const haveSeveral = [...plugins, ...shadowed].some(({ instances }) => instances.max > 1);
  const counted = haveSeveral ? ['INSTANCES'] : [];
  const rows = [['NAME', 'VERSION', 'CATEGORY', 'WORKER', ...counted, 'MANIFEST'].map(out.bold)];
  for (const plugin of plugins) {
    const [name = '', ...rest] = cells(plugin, haveSeveral);
    rows.push([out.bold(name), ...rest]);
    for (const hidden of shadowed) {
      if (hidden.shadowedBy !== plugin.manifest) continue;
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

function cells({ name, version, category, worker, instances, manifest }: ListedManifest, counted: boolean): string[] {
  const texts = [version, category].map((text) => fitText(text, MAX_CELL_COLUMNS));
  return [name, ...texts, worker, ...(counted ? [instancesText(instances)] : []), displayPath(manifest)];
}

/** "4", or "1 to 4" where the load decides. */
function instancesText({ min, max }: ListedManifest['instances']): string {
  return min === max ? String(max) : `${min} to ${max}`;
}

function nothing({ plugins, searchPaths }: Listing, category: string | undefined): string {
  if (plugins.length > 0) {
    const categories = [...new Set(plugins.map((plugin) => plugin.category))].filter((name) => name !== '');
    return `No plugins in the category "${category}". Known: ${categories.toSorted().map(oneLine).join(', ') || 'none'}.`;
  }
  return [
    'No plugins in',
    ...searchPaths.map((path) => `  ${displayPath(path)}${existsSync(path) ? '' : ' (does not exist)'}`),
    `Create one: ${programName()} init my-plugin`,
  ].join('\n');
}
