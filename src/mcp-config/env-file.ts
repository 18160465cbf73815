/** What a file of environment variables holds. */
export interface EnvFile {
  readonly variables: ReadonlyMap<string, string>;
  /** What is wrong with lines, which are ignored then. Nothing of the lines is in it: they may be secret. */
  readonly faults: readonly string[];
}

const ASSIGNMENT = /^[^\S\n]*(?:export[^\S\n]+)?([\w.-]+)[^\S\n]*=[^\S\n]*/;

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/**
 * Reads a file of lines such as `NAME=value` and `export NAME="value"`, as dotenv does: a value in double quotes may have
 * `\n` and the like, one in single quotes or backticks is taken as it is, and each may have several lines; without quotes
 * it ends before ` #`. Variables in values are not filled in. Of a name that is given twice the later value counts.
 */
export function readEnvFile(given: string): EnvFile {
  const text = given.replace(/^\ufeff/, '').replaceAll(/\r\n?/g, '\n');
  const variables = new Map<string, string>();
  const faults: string[] = [];
  /** Quotes that are not closed any more: to look for their ends again and again would read the file again and again. */
  const open = new Set<string>();
  let line = 0;
  for (let at = 0, end = 0; at < text.length; at = end + 1) {
    line += 1;
    end = endOfLine(text, at);
    const content = text.slice(at, end);
    if (/^\s*(#|$)/.test(content)) continue;
    const fault = (what: string): void => void faults.push(`line ${line}: ${what} (ignored)`);
    const [head, name] = ASSIGNMENT.exec(content) ?? [];
    if (head === undefined || name === undefined) {
      fault('expected NAME=value');
      continue;
    }
    const start = at + head.length;
    const quote = text.charAt(start);
    if (quote === '' || !'"\'`'.includes(quote)) {
      variables.set(
        name,
        content
          .slice(head.length)
          .replace(/(^|\s)#.*$/, '')
          .trim(),
      );
      continue;
    }
    const close = open.has(quote) ? undefined : closingQuote(text, start);
    if (close === undefined) {
      open.add(quote);
      fault(`the value has no closing ${quote}`);
      continue;
    }
    end = endOfLine(text, close);
    if (/^\s*(#|$)/.test(text.slice(close + 1, end))) {
      const inside = text.slice(start + 1, close);
      variables.set(name, quote === '"' ? withoutEscapes(inside) : inside);
    } else fault(`unexpected text after the closing ${quote}`);
    line += text.slice(at, close).split('\n').length - 1;
  }
  return { variables, faults };
}

function withoutEscapes(text: string): string {
  return text.replaceAll(/\\(.)/g, (pair, sign: string) => ESCAPES[sign] ?? unescaped(pair, sign));
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}

/** Windows' paths have backslashes that escape nothing. */
function unescaped(pair: string, sign: string): string {
  return sign === '"' || sign === '\\' ? sign : pair;
}

/** Where the quote at `start` is closed; a backslash before it keeps it open in double quotes alone. */
function closingQuote(text: string, start: number): number | undefined {
  const quote = text.charAt(start);
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === '\\' && quote === '"') at += 1;
    else if (text[at] === quote) return at;
  }
  return undefined;
}
