const VERSION = String.raw`"jsonrpc"\s*:\s*"2\.0"\s*`;
const ID = String.raw`"id"\s*:\s*"?(\d+)"?\s*`;

/** An answer that begins with what it answers, or ends with it, as servers of the official SDKs write theirs. */
const BEGINNING = new RegExp(
  String.raw`^\s*\{\s*(?:${VERSION},\s*)?${ID},\s*(?:${VERSION},\s*)?"(?:result|error)"\s*:`,
);
const ANSWER = new RegExp(String.raw`^\s*\{\s*(?:${VERSION},\s*)?"(?:result|error)"\s*:`);
const END = new RegExp(String.raw`,\s*${ID}(?:,\s*${VERSION})?\}\s*$`);

/** What of a line is looked at, at its end, in UTF-16 code units. */
const END_LENGTH = 200;

/**
 * The number of the request that a line answers, though it cannot be read as a message: it has `NaN` or a result that is no
 * object, is nested too deep or too long. Of one that is too long, its beginning and its end are enough. Undefined where
 * it is no answer.
 */
export function answeredIn(line: string): number | undefined {
  const found = BEGINNING.exec(line) ?? (ANSWER.test(line) ? END.exec(line.slice(-END_LENGTH)) : null);
  return found === null ? undefined : Number(found[1]);
}
