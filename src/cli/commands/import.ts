import { dirname, join, resolve } from 'node:path';
import { GreenroomError } from '../../errors.ts';
import { readText } from '../../files/file-text.ts';
import { pathText, type Verdict } from '../../imports/llama-swap/finding.ts';
import { type Imported, importConfig, type LocatedFinding } from '../../imports/llama-swap/import-config.ts';
import { openYaml } from '../../imports/llama-swap/source.ts';
import { planFiles, type WritePlan, writeFiles } from '../../imports/written-files.ts';
import { oneLine } from '../../text/printable.ts';
import { didYouMean } from '../arguments.ts';
import { defineCommand } from '../command.ts';
import { displayPath } from '../terminal/display-path.ts';
import type { Style } from '../terminal/style.ts';
import { formatTable } from '../terminal/table.ts';
import { UsageError } from '../usage-error.ts';

/** The programs whose configurations are read. */
const PROGRAMS = ['llama-swap'];

/** The first of the search paths, from a folder on. */
const PLUGINS = join('.greenroom', 'plugins');

/** `greenroom import`: manifests and settings from the configuration of another program. */
export const command = defineCommand({
  usage: 'import llama-swap FILE',
  about:
    'Makes manifests and a greenroom.json of a configuration of llama-swap, and says of every key what became of it. Needs\nthe package yaml. Files that an import has not written, or that were edited since, are not replaced.',
  options: {
    output: {
      type: 'string',
      short: 'o',
      value: 'DIR',
      help: 'the folder that gets greenroom.json and .greenroom/plugins; default the working directory',
    },
    'dry-run': { type: 'boolean', help: 'say what would be written, and write nothing' },
    force: { type: 'boolean', help: 'replace files that an import has not written' },
  },
  operands: [2, 2],
  examples: [
    ['greenroom import llama-swap config.yaml --dry-run', 'see what becomes of each key'],
    ['greenroom import llama-swap config.yaml -o models', 'write into the folder "models"'],
  ],
  statuses: [0, 2, 4],
  async run({ values, operands: [program = '', path = ''], terminal }) {
    if (!PROGRAMS.includes(program)) {
      const hint = didYouMean(program, PROGRAMS) ?? `Known programs: ${PROGRAMS.join(', ')}.`;
      throw new UsageError(`Unknown program "${program}".`, hint);
    }
    const isDry = values['dry-run'] === true;
    const file = resolve(path);
    const readYaml = await openYaml();
    const imported = importConfig(
      {
        text: textOf(file),
        file: displayPath(file),
        folder: dirname(file),
        env: process.env,
        platform: process.platform,
      },
      readYaml,
    );
    const files = filesOf(imported);
    const plan = planFiles(resolve(values.output ?? '.'), files);
    if (plan.foreign.length > 0 && values.force !== true && !isDry) throw foreignError(plan);
    if (!isDry) writeFiles(plan, files);
    if (terminal.json) {
      const findings = imported.findings.map(({ line, path: at, verdict, what }) => {
        return { line, key: pathText(at), verdict, what };
      });
      await terminal.printJson({ dryRun: isDry, ...plan, findings });
      return 0;
    }
    await terminal.print([...fileLines(plan, isDry), '', ...findingLines(imported.findings, terminal.out)].join('\n'));
    return 0;
  },
});

function textOf(file: string): string {
  const found = readText(file);
  const reason = found === null ? 'does not exist' : 'reason' in found ? found.reason : undefined;
  if (found !== null && 'text' in found) return found.text.replace(/^\ufeff/, '');
  throw new GreenroomError('E_OPTIONS', `${displayPath(file)} ${reason}.`);
}

function filesOf({ manifests, settings }: Imported): ReadonlyMap<string, string> {
  const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
  const own = [...manifests].map(([name, manifest]) => [join(PLUGINS, `${name}.json`), json(manifest)] as const);
  return new Map([['greenroom.json', json(settings)], ...own]);
}

function foreignError({ folder, foreign }: WritePlan): GreenroomError {
  const names = foreign.map((path) => displayPath(join(folder, path))).join(', ');
  return new GreenroomError(
    'E_OPTIONS',
    `These files are not as an import has written them: ${names}. Choose another folder with --output, move them away, or replace them with --force.`,
  );
}

function fileLines({ folder, written, unchanged, removed, foreign }: WritePlan, isDry: boolean): string[] {
  const row =
    (what: string) =>
    (path: string): string =>
      `${what} ${displayPath(join(folder, path))}`;
  return [
    ...written.filter((path) => !foreign.includes(path)).map(row(isDry ? 'Would write' : 'Wrote')),
    ...foreign.map(row(isDry ? 'Would replace, with --force,' : 'Replaced')),
    ...removed.map(row(isDry ? 'Would remove' : 'Removed')),
    ...(unchanged.length > 0 ? [`Unchanged: ${unchanged.length} of ${unchanged.length + written.length} files`] : []),
  ];
}

/** A table for each verdict. What is said of many keys is said once, with all of their lines. */
function findingLines(findings: readonly LocatedFinding[], style: Style): string[] {
  const titles: readonly (readonly [Verdict, string])[] = [
    ['mapped', style.green('Mapped')],
    ['noted', style.yellow('Noted')],
    ['refused', style.red('Refused')],
  ];
  return titles.flatMap(([verdict, title]) => {
    const rows = new Map<string, { readonly what: string; readonly keys: Set<string>; readonly lines: Set<number> }>();
    for (const { path, what, line, verdict: own } of findings) {
      if (own !== verdict) continue;
      // Of what is mapped, that it is matters, and not where.
      const parent = verdict === 'mapped' ? '' : pathText(path.slice(0, -1));
      const row = rows.get(`${parent} ${what}`) ?? { what, keys: new Set(), lines: new Set() };
      row.keys.add(verdict === 'mapped' || row.keys.size > 0 ? String(path.at(-1)) : pathText(path));
      row.lines.add(line);
      rows.set(`${parent} ${what}`, row);
    }
    if (rows.size === 0) return [];
    const table = [...rows.values()].map(({ what, keys, lines }) => [
      `  ${oneLine(shownOf([...keys]))}`,
      style.dim(`${lines.size === 1 ? 'line' : 'lines'} ${shownOf([...lines])}`),
      oneLine(what.replaceAll('`', '')),
    ]);
    return [style.bold(title), ...formatTable(table), ''];
  });
}

/** How many keys and lines a row names. */
const SHOWN = 3;

function shownOf(all: readonly (string | number)[]): string {
  const more = all.length > SHOWN ? ` and ${all.length - SHOWN} more` : '';
  return `${all.slice(0, SHOWN).join(', ')}${more}`;
}
