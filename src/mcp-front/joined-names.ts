import { createHash } from 'node:crypto';

/** What stands between the name of a plugin and that of its tool. */
export const SEPARATOR = '__';
/** Clients refuse longer names of tools. */
export const MAX_NAME = 64;
const HASH_LENGTH = 8;

/** A tool by its own name. */
export interface ToolPlace {
  readonly plugin: string;
  readonly tool: string;
}

/**
 * Names of the tools of several plugins in one list, each `plugin__tool`: at most 64 letters, digits, "_" and "-", which
 * is what clients take, and no two alike. A name that would be longer, or could be read in two ways, ends in a hash of
 * what it stands for. The name of a tool depends on its plugin alone, so that others come and go without changing it.
 */
export function joinedNames(places: readonly ToolPlace[]): ReadonlyMap<string, ToolPlace> {
  const names = new Map<string, ToolPlace>();
  const hashed: ToolPlace[] = [];
  const counts = countsOf(places);
  for (const place of places) {
    const plain = `${joinedBeginning(place.plugin)}${cleaned(place.tool)}`;
    if (isExact(place, plain, counts)) names.set(plain, place);
    else hashed.push(place);
  }
  // In an order of their own, as two hashes may be alike.
  for (const place of hashed.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)))
    names.set(freeName(place, names), place);
  return names;
}

/** What the names of all tools of a plugin begin with, unless it is too long. */
export function joinedBeginning(plugin: string): string {
  return `${cleaned(plugin)}${SEPARATOR}`;
}

/** Whether the plain name stands for this tool alone. */
function isExact({ plugin, tool }: ToolPlace, plain: string, counts: ReadonlyMap<string, number>): boolean {
  if (plain.length > MAX_NAME || cleaned(plugin) !== plugin) return false;
  // The plugin ends where the first separator stands, or another one could have the same name with a tool of its own.
  if (plain.indexOf(SEPARATOR) !== plugin.length) return false;
  return cleaned(tool) === tool || counts.get(plain) === 1;
}

/** How many tools of a plugin are the same once what clients refuse is replaced. */
function countsOf(places: readonly ToolPlace[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { plugin, tool } of places) {
    if (cleaned(plugin) !== plugin) continue;
    const plain = `${plugin}${SEPARATOR}${cleaned(tool)}`;
    counts.set(plain, (counts.get(plain) ?? 0) + 1);
  }
  return counts;
}

function freeName(place: ToolPlace, taken: ReadonlyMap<string, unknown>): string {
  const plain = `${cleaned(place.plugin)}${SEPARATOR}${cleaned(place.tool)}`;
  const beginning = plain.slice(0, MAX_NAME - HASH_LENGTH - 1);
  for (let attempt = 0; ; attempt += 1) {
    const name = `${beginning}_${hashOf(`${keyOf(place)}${'\0'.repeat(attempt)}`)}`;
    if (!taken.has(name)) return name;
  }
}

function cleaned(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_-]/g, '_');
}

function keyOf({ plugin, tool }: ToolPlace): string {
  return `${plugin}\0${tool}`;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH);
}
