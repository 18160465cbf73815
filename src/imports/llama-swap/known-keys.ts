import { unknownText } from '../../text/expected.ts';
import { type ConfigPath, type Finding, refused } from './finding.ts';
import { KEYS, type Key } from './keys.ts';

/** The table as a tree, by the steps of each key. */
interface Branch {
  key?: Key;
  readonly steps: Map<string, Branch>;
}

const ROOT = treeOf(KEYS);

/** What becomes of each key that a configuration has, by the table alone. A key that is not in it is refused. */
export function findKeys(config: unknown): Finding[] {
  return findIn(config, [], ROOT);
}

function findIn(value: unknown, path: ConfigPath, { key, steps }: Branch): Finding[] {
  // What is absent or empty says nothing.
  if (value === undefined || value === null) return [];
  const own: Finding[] = key === undefined ? [] : [{ path, verdict: key.verdict, what: key.what }];
  const item = steps.get('[]');
  if (item !== undefined && Array.isArray(value)) {
    const isObject = (each: unknown): boolean => typeof each === 'object';
    const below = value.flatMap((each, index) => (isObject(each) ? findIn(each, [...path, index], item) : []));
    return [...own, ...below];
  }
  if (steps.size === 0 || typeof value !== 'object') return own;
  const below = Object.entries(value).flatMap(([name, each]) => {
    const branch = steps.get(name) ?? steps.get('*');
    if (branch !== undefined) return findIn(each, [...path, name], branch);
    return [refused([...path, name], `${unknownText('key', name, steps.keys())} (ignored)`)];
  });
  return [...own, ...below];
}

function treeOf(keys: readonly Key[]): Branch {
  const root: Branch = { steps: new Map() };
  for (const key of keys) {
    let branch = root;
    for (const step of key.key.replaceAll('[]', '.[]').split('.')) {
      const next = branch.steps.get(step) ?? { steps: new Map() };
      branch.steps.set(step, next);
      branch = next;
    }
    branch.key = key;
  }
  return root;
}
