import { z } from 'zod';
import { expectedText, unknownText } from './expected.ts';

/**
 * Zod's messages in our words, for `safeParse(value, { error })`: which value was expected, and which one was given.
 * Messages that a schema sets itself stay.
 *
 * @param kind what the keys of an object are called: "field", "option"
 */
export function zodMessages(kind: string): z.core.$ZodErrorMap {
  return (issue) => {
    if (issue.code === 'unrecognized_keys') {
      const known = issue.inst instanceof z.ZodObject ? Object.keys(issue.inst.shape) : [];
      return issue.keys.map((key) => unknownText(kind, key, known)).join('; ');
    }
    if (issue.schema === undefined) return undefined;
    return expectedText(z.toJSONSchema(issue.schema, { unrepresentable: 'any' }), issue.input);
  };
}
