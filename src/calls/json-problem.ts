/**
 * Says what in a value JSON cannot carry and where, `name` standing for the value itself: NaN and infinities, BigInt,
 * functions and symbols, bytes, maps and sets, cycles. Undefined where there is nothing, and for what only JSON.stringify
 * itself finds out. Walks as JSON.stringify does, but looks at every value, so that callers ask only when there is
 * reason to.
 */
export function whyNotJson(value: unknown, name: string): string | undefined {
  try {
    return problemIn(value, name, new Set());
  } catch {
    // A toJSON() that throws, or a value deeper than the stack.
    return undefined;
  }
}

/** Arguments may not be functions; a method somewhere below is left out as JSON does. */
const ARGUMENT_DEPTH = 1;

function problemIn(value: unknown, path: string, above: Set<object>): string | undefined {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? undefined : `${path} is ${value}`;
    case 'bigint':
      return `${path} is a BigInt; pass it as a string`;
    case 'function':
    case 'symbol':
      return above.size <= ARGUMENT_DEPTH ? `${path} is a ${typeof value}` : undefined;
    case 'object':
      break;
    default:
      return undefined;
  }
  if (value === null) return undefined;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return `${path} is binary data; write it to a file and pass the path, or give it a toTempFile()`;
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') return problemIn(value.toJSON(), path, above);
  if (value instanceof Map || value instanceof Set) {
    return `${path} is a ${value instanceof Map ? 'Map' : 'Set'}, of which JSON keeps nothing; pass an object or a list`;
  }
  if (above.has(value)) return `${path} refers back to a value that it is part of`;
  above.add(value);
  for (const [key, part] of Object.entries(value)) {
    const problem = problemIn(part, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`, above);
    if (problem !== undefined) return problem;
  }
  above.delete(value);
  return undefined;
}
