import type { ManifestProblem } from '../manifest/manifest-problem.ts';
import { oneLine } from '../text/printable.ts';
import { displayPath } from './terminal/display-path.ts';
import type { Style } from './terminal/style.ts';
import { formatTable } from './terminal/table.ts';

/** The problems of manifests as lines for people: each file, and below it the fields with what is wrong. */
export function formatProblems(problems: readonly ManifestProblem[], style: Style): string[] {
  const files = new Set(problems.map(({ file }) => file));
  return [...files].flatMap((file) => {
    const found = problems.filter((problem) => problem.file === file);
    const mark = found.some(isError) ? style.red('✗') : style.yellow('!');
    return [`${mark} ${displayPath(file)}`, ...problemRows(found, style)];
  });
}

/** The problems of one file, a line each. */
export function problemRows(problems: readonly ManifestProblem[], style: Style): string[] {
  const rows = problems.map((problem) => {
    const severity = isError(problem) ? style.red('error') : style.yellow('warning');
    const field = problem.field ?? '';
    return ['   ', severity, field === '' ? '(file)' : oneLine(field), oneLine(problem.reason)];
  });
  return formatTable(rows);
}

/** Whether a problem keeps a manifest from being used. */
export function isError({ severity }: ManifestProblem): boolean {
  return severity === 'error';
}
