import { type JsonPath, pathText } from '../json/json-text.ts';
import type { ManifestProblem } from '../manifest/manifest-problem.ts';

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
