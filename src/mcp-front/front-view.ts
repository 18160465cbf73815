import { httpRefusal } from './rpc-refusal.ts';
import type { ToolFilter } from './tool-filter.ts';

/** What of a service a client wants to see, by the query of its address. */
export interface FrontView {
  /** Three tools that find, describe and call the others. */
  readonly compact: boolean;
  readonly filter: ToolFilter | undefined;
}

const PARAMETERS = ['allow', 'deny', 'compact'];
/** How many patterns there may be: each is compared with each tool. */
const MAX_PATTERNS = 100;

/** Reads `?allow=…&deny=…&compact=1`. Throws a refusal, 400, for what is something else. */
export function readView(query: URLSearchParams): FrontView {
  for (const name of query.keys())
    if (!PARAMETERS.includes(name))
      throw httpRefusal(400, `Unknown parameter ${JSON.stringify(name)}. Expected one of: ${PARAMETERS.join(', ')}.`);
  const [allow, deny] = [patternsOf(query, 'allow'), patternsOf(query, 'deny')];
  return {
    compact: readFlag(query.getAll('compact')),
    filter: allow === undefined && deny === undefined ? undefined : { allow, deny },
  };
}

/** Given several times, or with commas. */
function patternsOf(query: URLSearchParams, name: string): string[] | undefined {
  if (!query.has(name)) return undefined;
  const patterns = query.getAll(name).flatMap((list) => list.split(',').map((pattern) => pattern.trim()));
  if (patterns.length > MAX_PATTERNS || patterns.some((pattern) => !/^[A-Za-z0-9_.*-]{1,128}$/.test(pattern)))
    throw httpRefusal(
      400,
      `The parameter "${name}" must be at most ${MAX_PATTERNS} names of tools with commas between them, in which "*" stands for any letters, as "files__*".`,
    );
  return patterns;
}

function readFlag(values: readonly string[]): boolean {
  const [value = '0', ...others] = values;
  if (others.length > 0 || !['0', '1', 'true', 'false'].includes(value))
    throw httpRefusal(400, `The parameter "compact" must be 1 or 0, got ${JSON.stringify(values.join(','))}.`);
  return value === '1' || value === 'true';
}
