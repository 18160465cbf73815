/** What a clause of a specifier says, such as `>=3.10` or `==3.11.*`. */
const CLAUSE = /^\s*(>=|<=|~=|==|!=|<|>)\s*(\d+(?:\.\d+)*)(\.\*)?\s*$/;

type Version = readonly number[];

/** Whether a text is a version specifier of Python packages: clauses of numbers, with commas between them. */
export function isVersionSpec(text: string): boolean {
  return text.split(',').every((clause) => {
    const [, operator = '', , wildcard] = CLAUSE.exec(clause) ?? [];
    return operator !== '' && (wildcard === undefined || operator === '==' || operator === '!=');
  });
}

/** Whether a version such as `3.11.7` meets a specifier that {@link isVersionSpec}, by the rules of PEP 440. */
export function meetsSpec(version: string, spec: string): boolean {
  const own = numbersOf(version);
  return spec.split(',').every((clause) => {
    const [, operator = '', text = '', wildcard] = CLAUSE.exec(clause) ?? [];
    return meetsClause(own, operator, numbersOf(text), wildcard !== undefined);
  });
}

function meetsClause(own: Version, operator: string, wanted: Version, isPrefix: boolean): boolean {
  const order = compare(isPrefix ? own.slice(0, wanted.length) : own, wanted);
  switch (operator) {
    case '==':
      return order === 0;
    case '!=':
      return order !== 0;
    case '>=':
      return order >= 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '<':
      return order < 0;
    default: {
      // "~=3.10.2" is "at least 3.10.2, and a 3.10".
      const family = wanted.slice(0, -1);
      return order >= 0 && compare(own.slice(0, family.length), family) === 0;
    }
  }
}

function numbersOf(version: string): Version {
  return version.split('.').map(Number);
}

/** Below 0 where the first is the older one. What a version does not say is 0. */
function compare(one: Version, other: Version): number {
  for (let at = 0; at < Math.max(one.length, other.length); at += 1) {
    const difference = (one[at] ?? 0) - (other[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
