import { GreenroomError } from '../errors.ts';
import { didYouMean } from './arguments.ts';

/** The error for the name of a plugin that is not there. */
export function unknownPlugin(plugin: string, known: Iterable<string>): GreenroomError {
  const next = didYouMean(plugin, known) ?? 'Run "greenroom list" for the known plugins.';
  return new GreenroomError('E_UNKNOWN_PLUGIN', `There is no plugin "${plugin}". ${next}`, { plugin });
}
