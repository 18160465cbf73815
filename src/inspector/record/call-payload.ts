import type { CallInput, CallTrace } from '../../calls/call-trace.ts';
import type { JsonPath } from '../../json/json-text.ts';
import { readJson } from '../../json/read-json.ts';
import { bytesText } from '../../text/memory-text.ts';
import type { Redactor } from '../redaction/redaction.ts';
import { concealConfig } from '../redaction/secrets.ts';
import { withoutTexts, withoutValues } from '../redaction/without-texts.ts';
import type { CallPayload, Json } from '../wire.ts';

/** How much of an input or an output is kept, in characters of JSON. */
export const MAX_KEPT = 4_096;
/** A longer input is not read to show the beginning of it, in characters. */
export const MAX_READ = 65_536;
/** An input is read up to this length for the secrets in it that an error may tell, in characters. */
export const MAX_SEARCHED = 1024 * 1024;
/** What stands for the words of an error where the input is longer. */
export const UNSEARCHED = '[not shown: the input is too long to look for its secrets]';
/** How much is told of what a failed call says, in characters. */
const MAX_MESSAGE = 500;

type Schema = Readonly<Record<string, unknown>>;

/** What is known of a call beside its trace. */
export interface KnownOfCall {
  /** Of a stream: its first chunks, as they are shown. */
  readonly chunks: readonly Json[];
  /** Of its tool's input; undefined where it is not known. */
  readonly schema: Schema | undefined;
  /** Whether its input and its output are kept. */
  readonly isKept: boolean;
}

/** What is kept of what a call was given and of what came of it. */
export interface CallWords {
  /** As it is kept; undefined where there is nothing to keep. */
  readonly payload: CallPayload | undefined;
  /** What its error says. */
  readonly message: string | undefined;
}

/** A value as it is shown: redacted, without these secrets, and of a long one the beginning of its JSON. */
export function shownValue(
  value: unknown,
  redactor: Redactor,
  secrets: readonly string[] = [],
  limit = MAX_KEPT,
): Json {
  const shown = withoutValues(redactor.json(value, limit, secrets), secrets);
  const text = JSON.stringify(shown);
  return text.length <= limit ? shown : `${text.slice(0, limit)}…`;
}

/** What is kept of a call, now or at its end. What its schema declares secret in the input shows nowhere in it. */
export function wordsOf(trace: CallTrace, { chunks, schema, isKept }: KnownOfCall, redactor: Redactor): CallWords {
  const { error, output } = trace;
  if (!isKept && error === undefined) return { payload: undefined, message: undefined };
  const { config: given, secrets } = concealConfig(inputOf(trace, MAX_READ), schema);
  const says = error !== undefined || (isKept && (output !== undefined || chunks.length > 0));
  const told = says ? secretsToldBy(trace, schema, secrets) : [];
  const payload: CallPayload = {
    input: isKept && given !== undefined ? shownValue(given, redactor, secrets) : undefined,
    output: isKept ? outputOf(output, chunks, told, redactor) : undefined,
    chunks: isKept ? trace.chunks : undefined,
    stack: error?.remote?.stack && told && redactor.tail(withoutTexts(error.remote.stack, told)),
  };
  // Before it is cut: a part of a secret would not be found.
  const message =
    error && (told === undefined ? UNSEARCHED : redactor.text(withoutTexts(error.message, told))).slice(0, MAX_MESSAGE);
  const isEmpty = Object.values(payload).every((part) => part === undefined);
  return { payload: isEmpty ? undefined : payload, message };
}

function outputOf(
  output: unknown,
  chunks: readonly Json[],
  told: readonly string[] | undefined,
  redactor: Redactor,
): Json | undefined {
  if (chunks.length > 0) return chunks;
  if (output === undefined) return undefined;
  return told === undefined ? UNSEARCHED : shownValue(output, redactor, told);
}

/** The secrets that a call may tell in what it says; undefined where its input is too long to look for them. */
export function secretsOfCall(trace: CallTrace, schema: Schema | undefined): readonly string[] | undefined {
  return secretsToldBy(trace, schema, concealConfig(inputOf(trace, MAX_READ), schema).secrets);
}

/** Whether the input of a call is short enough to look for its secrets at once. */
export const isQuicklySearched = ({ input }: CallTrace): boolean => input === undefined || lengthOf(input) <= MAX_READ;

function secretsToldBy(
  trace: CallTrace,
  schema: Schema | undefined,
  known: readonly string[],
): readonly string[] | undefined {
  const length = trace.input === undefined ? 0 : lengthOf(trace.input);
  if (length <= MAX_READ) return known;
  return length > MAX_SEARCHED ? undefined : concealConfig(inputOf(trace, MAX_SEARCHED), schema).secrets;
}

const lengthOf = ({ args, kwargs }: CallInput): number => args.length + kwargs.length;

/** What a call was given; of what is longer, in characters, how long it is. */
function inputOf({ input, params }: CallTrace, longest: number): unknown {
  if (input === undefined) return params?.['arguments'];
  const length = lengthOf(input);
  return length > longest ? `[${length.toLocaleString('en')} characters of JSON]` : givenIn(input);
}

/** The named arguments, or the positional ones where there are none; both where it has both. */
function givenIn({ args, kwargs, bytes }: CallInput): unknown {
  const given = { args: readJson(args), kwargs: readJson(kwargs) };
  for (const { path, bytes: data } of bytes) putAt(given, path, `[${bytesText(data.byteLength)}]`);
  return args === '[]' ? given.kwargs : kwargs === '{}' ? given.args : given;
}

/** Puts a text in the place of the null that a path leads to. */
function putAt(value: unknown, path: JsonPath, text: string): void {
  let holder = value as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) holder = holder[step] as typeof holder;
  holder[path.at(-1) ?? ''] = text;
}
