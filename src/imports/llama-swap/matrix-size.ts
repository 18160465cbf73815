import type { Matrix } from './config.ts';

/** The combinations of a set: each a list of the models that run together. */
type Combinations = readonly ReadonlySet<string>[];

/** Sets with more combinations than this are not expanded. */
const MOST = 10_000;

/**
 * How many models the largest combination of a matrix has: `a & b` run together, of `a | b` one does, `+name` is another
 * set. Undefined where a set cannot be read, with its name.
 */
export function matrixSize({ vars, sets }: Matrix): { readonly size: number } | { readonly unread: string } {
  let size = 1;
  for (const name of Object.keys(sets)) {
    const combinations = combinationsOf(name, { vars, sets }, []);
    if (combinations === undefined) return { unread: name };
    for (const { size: count } of combinations) size = Math.max(size, count);
  }
  return { size };
}

/** @param within the sets that are being read, of which none may be part of itself */
function combinationsOf(name: string, matrix: Matrix, within: readonly string[]): Combinations | undefined {
  const text = matrix.sets[name];
  if (text === undefined || within.includes(name)) return undefined;
  const tokens = text.match(/[&|()]|[^\s&|()]+/g) ?? [];
  let at = 0;
  const read = (operator: '&' | '|', next: () => Combinations | undefined): Combinations | undefined => {
    let all = next();
    while (all !== undefined && tokens[at] === operator) {
      at += 1;
      const more = next();
      all = more && (operator === '|' ? [...all, ...more] : together(all, more));
    }
    return all !== undefined && all.length <= MOST ? all : undefined;
  };
  const either = (): Combinations | undefined => read('|', () => read('&', one));
  const one = (): Combinations | undefined => {
    const token = tokens[at] ?? '';
    at += 1;
    if (token === '(') {
      const inner = either();
      at += 1;
      return tokens[at - 1] === ')' ? inner : undefined;
    }
    if (token === '' || /^[&|)]$/.test(token)) return undefined;
    if (token.startsWith('+')) return combinationsOf(token.slice(1), matrix, [...within, name]);
    return [new Set([matrix.vars[token] ?? token])];
  };
  const all = either();
  return at === tokens.length ? all : undefined;
}

function together(some: Combinations, others: Combinations): Combinations | undefined {
  if (some.length * others.length > MOST) return undefined;
  return some.flatMap((one) => others.map((other) => new Set([...one, ...other])));
}
