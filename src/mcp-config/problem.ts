import { type JsonPath, pathText } from '../json/json-text.ts';
import type { ManifestProblem } from '../manifest/manifest-problem.ts';
import { unknownText } from '../text/expected.ts';

/**
 * Something that is wrong with a configuration file, or is not as its reader may expect. `error`: the server is not run,
 * or, where the problem is no server's, none of the file is. Values of variables are never in it: they may be secret.
 */
export interface McpConfigProblem extends ManifestProblem {
  /** The name of the server that it is about. */
  readonly server?: string | undefined;
}

/** Is told what is wrong with what stands at a path. */
export type Report = (severity: McpConfigProblem['severity'], path: JsonPath, reason: string) => void;

/** A report that makes a list of problems of one file, and, where it is about one, of one server. */
export function reportTo(problems: McpConfigProblem[], file: string, server?: string): Report {
  return (severity, path, reason) => {
    const field = pathText(path);
    problems.push({ file, ...(field !== '' && { field }), ...(server !== undefined && { server }), reason, severity });
  };
}

/** To find out what was meant takes a while for each key; a file with more of them was not meant to be one. */
const MAX_UNKNOWN = 20;

/** Reports the keys of an object at a path that are unknown. */
export function reportUnknown(object: object, known: ReadonlySet<string>, path: JsonPath, report: Report): void {
  const unknown = Object.keys(object).filter((key) => !known.has(key));
  for (const key of unknown.slice(0, MAX_UNKNOWN))
    report('warning', [...path, key], `${unknownText('key', key, known)} (ignored)`);
  if (unknown.length > MAX_UNKNOWN)
    report('warning', path, `has ${unknown.length - MAX_UNKNOWN} more unknown keys (ignored)`);
}
