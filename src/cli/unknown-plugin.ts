import { GreenroomError } from '../errors.ts';
import { didYouMean } from './arguments.ts';
import type { SETTINGS_OPTIONS, Values } from './command.ts';
import { missingPlaces } from './find-daemon.ts';
import { missingText } from './missing-text.ts';

/** The error for the name of a plugin that is not there. A path that was mistyped in the options is the likely cause. */
export function unknownPlugin(
  plugin: string,
  known: Iterable<string>,
  values: Values<typeof SETTINGS_OPTIONS> = {},
): GreenroomError {
  const missing = missingPlaces(values).map(missingText).join(' ');
  const next = didYouMean(plugin, known) ?? (missing || 'Run "greenroom list" for the known plugins.');
  return new GreenroomError('E_UNKNOWN_PLUGIN', `There is no plugin "${plugin}". ${next}`, { plugin });
}
