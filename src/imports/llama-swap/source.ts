import { GreenroomError, messageOf } from '../../errors.ts';
import { type ConfigPath, pathText } from './finding.ts';

/** A configuration as it was read. */
export interface Source {
  /** Plain values: what stands in the file, with anchors and merge keys resolved. */
  readonly value: unknown;
  /** The line, from 1, of what stands at a path; of something that a merge key brought, that of what it is part of. */
  lineOf(path: ConfigPath): number;
}

/** Reads YAML. `file` is what messages call it. Throws `E_OPTIONS` for what is not YAML, or has no equal in JSON. */
export type ReadYaml = (text: string, file: string) => Source;

/** An anchor may be used this often: configurations of many models share much. */
const MAX_ALIASES = 10_000;

/**
 * Makes the parser ready, a library that is installed for imports alone, as running plugins needs none. Rejects with
 * `E_OPTIONS` where it is not installed.
 */
export async function openYaml(): Promise<ReadYaml> {
  const { parseDocument, LineCounter, isAlias, isMap, isScalar, isSeq } = await import('yaml').catch(
    (error: unknown) => {
      throw new GreenroomError(
        'E_OPTIONS',
        `The package yaml, which reads the configuration, cannot be loaded: ${messageOf(error)}\nInstall it beside greenroom: npm install --save-dev yaml`,
        { cause: error },
      );
    },
  );
  return (text, file) => {
    const lines = new LineCounter();
    const document = parseDocument(text, { lineCounter: lines, merge: true, intAsBigInt: true, prettyErrors: false });
    const lineOf = (path: ConfigPath): number => {
      let node: unknown = document.contents;
      let offset = 0;
      for (const step of path) {
        if (isAlias(node)) node = node.resolve(document);
        if (isMap(node)) {
          const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
          if (!isScalar(pair?.key)) break;
          offset = pair.key.range?.[0] ?? offset;
          node = pair.value;
        } else {
          node = isSeq(node) ? node.items[Number(step)] : undefined;
          if (isScalar(node) || isMap(node)) offset = node.range?.[0] ?? offset;
        }
      }
      return lines.linePos(offset).line;
    };
    const refuse = (line: number, reason: string, cause?: unknown): never => {
      throw new GreenroomError('E_OPTIONS', `${file}, line ${line}: ${reason}`, { cause });
    };
    const [fault] = document.errors;
    if (fault !== undefined) return refuse(lines.linePos(fault.pos[0]).line, fault.message, fault);
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount: MAX_ALIASES });
    } catch (error) {
      return refuse(1, messageOf(error), error);
    }
    const plain = plainValue(value, [], (path, reason) => refuse(lineOf(path), `${pathText(path)}: ${reason}`));
    return { value: plain, lineOf };
  };
}

/** The value with numbers that JSON can hold. */
function plainValue(value: unknown, path: ConfigPath, refuse: (path: ConfigPath, reason: string) => never): unknown {
  if (typeof value === 'bigint')
    return Number.isSafeInteger(Number(value)) ? Number(value) : refuse(path, `the number ${value} is too large`);
  if (typeof value === 'number' && !Number.isFinite(value))
    return refuse(path, `expected a number that JSON can hold, got ${value}`);
  if (Array.isArray(value)) return value.map((each, index) => plainValue(each, [...path, index], refuse));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, plainValue(each, [...path, key], refuse)]);
  return Object.fromEntries(entries) as unknown;
}
