/**
 * What a `$ref` to the same document refers to: `#`, or `#` and a JSON Pointer (RFC 6901), percent-encoded. Undefined
 * where nothing is there, and for a reference that is none of these.
 */
export function lookUpReference(reference: string, root: unknown): unknown {
  if (reference !== '#' && !reference.startsWith('#/')) return undefined;
  let found = root;
  for (const part of reference.split('/').slice(1)) {
    const key = keyOf(part);
    if (key === undefined || typeof found !== 'object' || found === null || !Object.hasOwn(found, key))
      return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  return found;
}

/** The key that a part of a pointer stands for; undefined for one that is not percent-encoded as it should be. */
function keyOf(part: string): string | undefined {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return undefined;
  }
}
