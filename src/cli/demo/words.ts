/** A number with what is counted, in the singular or the plural: `1 file`, `1,200 files`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

/** A size that people can take in, in steps of a thousand bytes. */
export function sizeOf(bytes: number): string {
  if (bytes < 1_000) return countOf(bytes, 'byte');
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A length of time that people can take in. */
export function durationOf(ms: number): string {
  return ms < 1_000 ? `${ms.toFixed(ms < 10 ? 1 : 0)} ms` : `${(ms / 1_000).toFixed(2)} s`;
}
