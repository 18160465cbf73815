import { isOptions, wrongArgument } from '../argument-checks.ts';
import { shown } from '../text/shown.ts';
import type { AddOptions } from './add-options.ts';

/** A job of a graph. */
export interface GraphJob extends AddOptions {
  readonly plugin: string;
  readonly input?: unknown;
}

/**
 * Throws `E_OPTIONS` for what is no graph, as JavaScript may have passed anything, with the name of the job that is wrong:
 * nobody finds it among many otherwise.
 */
export function checkGraph(graph: Readonly<Record<string, GraphJob>>): void {
  if (!isOptions(graph)) throw wrongArgument('The jobs of addAll()', 'an object of jobs by their names', graph);
  for (const [name, job] of Object.entries<unknown>(graph)) {
    if (!isOptions(job))
      throw wrongArgument(`The job ${shown(name)} of addAll()`, 'an object with a plugin and its input', job);
    const { plugin } = job as Partial<GraphJob>;
    if (typeof plugin !== 'string' || plugin === '')
      throw wrongArgument(`The plugin of the job ${shown(name)} of addAll()`, 'a name', plugin);
  }
}
