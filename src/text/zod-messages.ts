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

/**
 * What was refused, each where it is. Where a value may be one of several and could only have been meant as one of them,
 * as an object among numbers, that is what is wrong with it as such.
 */
export function refusals(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  return issues.flatMap((issue) => {
    if (issue.code !== 'invalid_union') return [issue];
    const [meant, ...others] = issue.errors.filter((option) => !option.some(isOtherKind));
    if (meant === undefined || others.length > 0) return [issue];
    return refusals(meant.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })));
  });
}

/** Whether the value as a whole is not what was expected. */
function isOtherKind({ code, path }: z.core.$ZodIssue): boolean {
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_value' || code === 'invalid_union');
}
