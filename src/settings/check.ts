import type { z } from 'zod';
import { GreenroomError, messageOf } from '../errors.ts';
import { sentence } from '../text/sentence.ts';
import { shown } from '../text/shown.ts';
import { refusals, zodMessages } from '../text/zod-messages.ts';

/** What messages call the options that a program gives. */
export const OPTIONS = 'the options of createSupervisor()';

/**
 * Checks settings. Throws `E_OPTIONS` naming each that is wrong, where it stands, and what is expected.
 *
 * @param where the source of the settings, as messages name it
 * @param nameOf what a setting is called there
 */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  where: string,
  nameOf = (setting: string): string => setting,
): z.output<Schema> {
  const parsed = read(schema, value, where);
  if (parsed.success) return parsed.data;
  const reasons = refusals(parsed.error.issues).map(({ path: [setting, ...deeper], message }) =>
    setting === undefined ? message : `${[nameOf(String(setting)), ...deeper].join('.')}: ${message}`,
  );
  throw new GreenroomError('E_OPTIONS', sentence(`Invalid settings in ${where}: ${reasons.join('; ')}`), {
    details: { problems: reasons },
  });
}

/** The message of a schema for a value that does not fit: `must be a function, got 5`. */
export function mustBe(expected: string): (issue: { readonly input?: unknown }) => string {
  return ({ input }) => `must be ${expected}, got ${shown(input)}`;
}

/** Objects of a program may have accessors, and these may throw. */
function read<Schema extends z.ZodType>(schema: Schema, value: unknown, where: string) {
  try {
    return schema.safeParse(value, { error: zodMessages('option') });
  } catch (cause) {
    throw new GreenroomError('E_OPTIONS', `The settings in ${where} cannot be read: ${messageOf(cause)}.`, { cause });
  }
}
