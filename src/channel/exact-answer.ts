import { GreenroomError } from '../errors.ts';
import { MAX_DEPTH } from '../json/exact-json.ts';
import { isDeeperThan } from '../json/json-depth.ts';
import { firstInexact, inexactReason, quoteInexact } from '../json/json-text.ts';

/** Reads the JSON of an answer; `isError` says whether what was read is an error. Throws SyntaxError or {@link InexactAnswer}. */
export type AnswerParser = (text: string, isError: (answer: unknown) => boolean) => unknown;

/** For answers of the SDKs, which themselves refuse numbers that JavaScript would round. */
export const parseAnswer: AnswerParser = (text) => JSON.parse(text);

/** An answer with a number that JavaScript would round, or with too many levels. The message says where and what it is. */
export class InexactAnswer extends Error {
  override readonly name = 'InexactAnswer';
}

/**
 * For answers of workers that may write anything. In an error, numbers that JavaScript would round become texts of their
 * digits, so that the error is not lost for them.
 */
export const parseAnyAnswer: AnswerParser = (text, isError) => {
  const answer: unknown = JSON.parse(text);
  // To look at the numbers costs little beside parsing; the text is read again only where there is reason to.
  if (!mayBeInexact(answer, ANSWER_LEVELS)) return answer;
  if (isDeeperThan(ANSWER_LEVELS, answer)) throw new InexactAnswer(`it is nested deeper than ${MAX_DEPTH} levels`);
  const inexact = firstInexact(text);
  if (inexact === undefined) return answer;
  if (isError(answer)) return JSON.parse(quoteInexact(text));
  throw new InexactAnswer(`${inexact.place === '' ? 'the answer' : inexact.place} ${inexactReason(inexact.digits)}`);
};

/** What the caller of such a plugin gets. */
export function inexactError(plugin: string, cause: InexactAnswer): GreenroomError {
  return new GreenroomError('E_SERIALIZE', `"${plugin}" sent a value that cannot be read exactly: ${cause.message}.`, {
    plugin,
    cause,
  });
}

/** The levels of a value, and the one of the answer around it. */
const ANSWER_LEVELS = MAX_DEPTH + 1;

function mayBeInexact(value: unknown, depth: number): boolean {
  if (typeof value === 'number')
    return !Number.isSafeInteger(value) && (Number.isInteger(value) || !Number.isFinite(value));
  if (typeof value !== 'object' || value === null) return false;
  if (depth === 0) return true;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item !== 'string' && mayBeInexact(item, depth - 1)) return true;
    return false;
  }
  for (const key in value) {
    const field = (value as Readonly<Record<string, unknown>>)[key];
    if (typeof field !== 'string' && mayBeInexact(field, depth - 1)) return true;
  }
  return false;
}
