import { GreenroomError, messageOf } from '../errors.ts';
import { readText } from '../files/file-text.ts';
import { isDeeperThan, MAX_LEVELS } from '../json/json-depth.ts';
import { jsonFaults } from '../json/json-text.ts';

/**
 * The settings in a `greenroom.json`, not yet checked; those of a file that is not there are `{}`. Throws `E_OPTIONS` for
 * a file that cannot be read, is not JSON, or holds what reading would lose.
 */
export function readSettingsFile(file: string): unknown {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new GreenroomError('E_OPTIONS', `Invalid settings in ${file}: ${reason}`, { cause });
  };
  const found = readText(file);
  if (found === null) return {};
  if ('reason' in found) return refuse(`the file ${found.reason}.`, found.cause);
  // Some editors of Windows put a byte order mark before the text.
  const text = found.text.replace(/^\ufeff/, '');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse(`the file is not JSON: ${messageOf(error)}.`, error);
  }
  if (isDeeperThan(MAX_LEVELS, value)) return refuse(`the file is nested more than ${MAX_LEVELS} levels deep.`);
  const faults = jsonFaults(text);
  if (faults.length === 0) return value;
  return refuse(`${faults.map(({ field, reason }) => `${field} ${reason}`).join('; ')}.`);
}
