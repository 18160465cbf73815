import { readdirSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { shortened } from '../text/shortened.ts';
import type { EnvironmentPlan } from './environment-plan.ts';

/** How an installer ended, and the last lines that it printed. */
export interface InstallerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

/** How much of what an installer printed a message takes, in characters. */
const MAX_WORDS = 500;

/** How many wheels of another Python a message names. */
const MAX_WHEELS = 3;

/** Why the packages of an environment were not installed, and what to do: sentences. */
export function installFault(plan: EnvironmentPlan, end: InstallerEnd): string {
  const { plugin, installer, file } = plan;
  const printed = [...end.stderr, ...end.stdout].map((line) => stripVTControlCharacters(line).trimEnd());
  if (printed.some((line) => /no space left on device|errno 28\b|disk quota exceeded/i.test(line))) {
    return 'no space is left on the disk. Free some, as by "greenroom env list" and "greenroom env remove", and start it again.';
  }
  if (end.signal !== null) {
    return `${installer.name} was killed (${end.signal}), as where memory runs out. The next start makes it anew.`;
  }
  const words = shortened(reasonIn(printed), MAX_WORDS);
  const said =
    words === '' ? `exited with status ${end.code} and printed nothing` : `says: ${words.replace(/\.$/, '')}`;
  const wanted = missingIn(printed);
  const looked = wanted === undefined ? '' : ` ${placesOf(plan, wanted)}`;
  return `${installer.name} ${said}.${looked} Fix ${file}, and see: greenroom logs ${plugin}.`;
}

/** How pip begins what it says of its failure, and uv. */
const FAULT = /^(?:ERROR: |error: |\s*[×x] )/;

/** The first reason that is given; of uv's, which goes on in lines with a bar before them, all of it. */
function reasonIn(lines: readonly string[]): string {
  const first = lines.findIndex((line) => FAULT.test(line));
  if (first === -1) return lines.findLast((line) => line.trim() !== '')?.trim() ?? '';
  const next = lines.findIndex((line, at) => at > first && !/^\s*(?:[│╰├]|\s{2})/.test(line));
  return lines
    .slice(first, next === -1 ? undefined : next)
    .map((line) =>
      line
        .replace(FAULT, '')
        .replace(/^[\s│╰├─▶]+/, '')
        .trim(),
    )
    .join(' ');
}

/** The package of which no version was found; undefined where that is not what failed. */
function missingIn(lines: readonly string[]): string | undefined {
  for (const line of lines) {
    const [, name] =
      /^ERROR: Could not find a version that satisfies the requirement ([\w.-]+)/.exec(line) ??
      /Because (?:only )?([\w.-]+).* was not found in/.exec(line) ??
      [];
    if (name !== undefined) return name;
  }
  return undefined;
}

/** Where a package was looked for, for which Python, and which wheels of it are there for another one. */
function placesOf({ requirements, interpreter }: EnvironmentPlan, wanted: string): string {
  const { wheelFolders, usesIndex } = requirements;
  const places = [...wheelFolders, ...(usesIndex ? ['the package index'] : [])];
  const { version, tag, platform } = interpreter;
  const others = wheelFolders.flatMap((folder) => wheelsOf(wanted, folder)).slice(0, MAX_WHEELS);
  const there = others.length === 0 ? '' : ` There is: ${others.join(', ')}.`;
  const where =
    places.length === 0
      ? 'There is no place to look in: no --find-links, and no index'
      : `Looked in ${places.join(' and ')}`;
  return `${where}, for Python ${version} (${tag}, ${platform}).${there}`;
}

function wheelsOf(name: string, folder: string): string[] {
  const normal = (text: string): string => text.toLowerCase().replace(/[-_.]+/g, '-');
  try {
    return readdirSync(folder).filter((file) => normal(file).startsWith(`${normal(name)}-`));
  } catch {
    return [];
  }
}
