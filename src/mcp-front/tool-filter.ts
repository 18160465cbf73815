/** Which tools a client is to see, by patterns of their names in which `*` stands for any letters. */
export interface ToolFilter {
  /** Undefined: all. */
  readonly allow: readonly string[] | undefined;
  /** Counts more than `allow`. */
  readonly deny: readonly string[] | undefined;
}

/** Whether a tool of this name passes. */
export function passes({ allow, deny }: ToolFilter, name: string): boolean {
  return (allow === undefined || matches(allow, name)) && !(deny !== undefined && matches(deny, name));
}

/** Whether a tool may pass whose name begins so. False only where none does. */
export function mayPass({ allow, deny = [] }: ToolFilter, beginning: string): boolean {
  const isOneAllowed = allow?.some((pattern) => {
    const [first = '', ...others] = pattern.split('*');
    return first.startsWith(beginning) || (others.length > 0 && beginning.startsWith(first));
  });
  const areAllDenied = deny.some((pattern) => pattern.endsWith('*') && beginning.startsWith(pattern.slice(0, -1)));
  return isOneAllowed !== false && !areAllDenied;
}

function matches(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => isMatch(pattern.split('*'), name));
}

/** Whether the parts between the stars follow each other in the name. No expression is built of what a client sends. */
function isMatch(parts: readonly string[], name: string): boolean {
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  if (parts.length === 1) return name === first;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let at = first.length;
  const end = name.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found === -1 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
