import { GreenroomError } from '../errors.ts';
import { MAX_DEPTH } from '../json/exact-json.ts';
import { quoteInexact } from '../json/json-text.ts';
import { type Integers, readJson, UnreadableJson } from '../json/read-json.ts';

/** The levels of a value, and the one of the answer around it. */
const ANSWER_LEVELS = MAX_DEPTH + 1;

/**
 * Reads the JSON of an answer; `isError` says whether what was read is an error, in which numbers that cannot be read
 * become texts of their digits, so that the error is not lost for them. Throws SyntaxError or {@link UnreadableJson}.
 */
export function parseAnswer(text: string, isError: (answer: unknown) => boolean, integers: Integers): unknown {
  try {
    return readJson(text, integers, ANSWER_LEVELS);
  } catch (error) {
    if (!(error instanceof UnreadableJson)) throw error;
    const answer: unknown = JSON.parse(quoteInexact(text));
    if (!isError(answer)) throw error;
    return readJson(quoteInexact(text), integers, ANSWER_LEVELS);
  }
}

/** What the caller of such a plugin gets. */
export function unreadableError(plugin: string, cause: UnreadableJson): GreenroomError {
  return new GreenroomError('E_SERIALIZE', `"${plugin}" sent a value that cannot be read exactly: ${cause.message}.`, {
    plugin,
    cause,
  });
}
