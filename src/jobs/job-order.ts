import { GreenroomError } from '../errors.ts';

/**
 * The names of a graph so that each comes after those that it needs. Throws `E_JOB` for a circle, which it names.
 *
 * @param needs of each name those before it; names that are not in the graph are not looked at
 */
export function orderOf(needs: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const ordered = new Set<string>();
  for (const start of needs.keys()) {
    /** The way from there to where the search is, and what is still to be visited from each name on it. */
    const way: string[] = [];
    const left = new Map<string, string[]>();
    const enter = (name: string): void => {
      way.push(name);
      left.set(name, [...(needs.get(name) ?? [])]);
    };
    if (!ordered.has(start)) enter(start);
    for (let at = way.at(-1); at !== undefined; at = way.at(-1)) {
      const next = left.get(at)?.pop();
      if (next === undefined) {
        ordered.add(at);
        left.delete(at);
        way.pop();
      } else if (left.has(next)) throw circle(way, next);
      else if (needs.has(next) && !ordered.has(next)) enter(next);
    }
  }
  return [...ordered];
}

function circle(way: readonly string[], closing: string): GreenroomError {
  const names = [...way.slice(way.indexOf(closing)), closing].map((name) => `"${name}"`);
  return new GreenroomError(
    'E_JOB',
    `The jobs come after each other in a circle, so that none could begin: ${names.join(' after ')}. Nothing was added.`,
  );
}
