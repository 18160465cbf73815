/** Names of plugins and tools as names of namespaces, each of its own. */
export class UniqueNames {
  readonly #taken = new Set<string>();

  /** `CsvTables` for `csv-tables`, with a number after it where that is taken. */
  of(name: string): string {
    const words = name.match(/[A-Za-z0-9]+/g) ?? ['Plugin'];
    const joined = words.map((word) => `${word[0]?.toUpperCase()}${word.slice(1)}`).join('');
    const base = /^\d/.test(joined) ? `_${joined}` : joined;
    let unique = base;
    for (let n = 2; this.#taken.has(unique); n += 1) unique = `${base}_${n}`;
    this.#taken.add(unique);
    return unique;
  }
}
