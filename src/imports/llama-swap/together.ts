import type { Config, Group, Matrix } from './config.ts';
import { type ConfigPath, type Finding, noted, refused } from './finding.ts';
import type { Refuse } from './macros.ts';
import { matrixSize } from './matrix-size.ts';

/** How many models run together, and which of them are never evicted. */
export interface Together {
  readonly slots: number;
  readonly pinned: ReadonlySet<string>;
  readonly findings: readonly Finding[];
}

/** Stands for the models that no group has. */
const ANY = '';

/**
 * How many models llama-swap would run at the same time at the most: without groups and matrix, one. `refuse` is told of
 * both spellings in one configuration, and throws.
 */
export function togetherOf(config: Config, refuse: Refuse): Together {
  const { routing: { router } = {}, groups: oldGroups, matrix: oldMatrix } = config;
  const isOld = oldMatrix !== undefined || Object.keys(oldGroups ?? {}).length > 0;
  if (isOld && router !== undefined)
    refuse([oldMatrix === undefined ? 'groups' : 'matrix'], 'unexpected beside "routing.router". Move it there.');
  if (oldMatrix !== undefined && oldGroups !== undefined)
    refuse(['matrix'], 'unexpected beside "groups". Leave out one of them.');
  const { groups, matrix } = isOld ? { groups: oldGroups, matrix: oldMatrix } : (router?.settings ?? {});
  const prefix: ConfigPath = isOld ? [] : ['routing', 'router', 'settings'];
  const usesMatrix = isOld ? matrix !== undefined : router?.use === 'matrix';
  const unused = usesMatrix ? 'groups' : 'matrix';
  const findings: Finding[] =
    { groups, matrix }[unused] === undefined ? [] : [noted([...prefix, unused], 'not in use: "use" names the other')];
  if (!usesMatrix) return inGroups(groups ?? {}, [...prefix, 'groups'], config, findings);
  if (matrix === undefined) return refuse(['routing', 'router', 'use'], 'there is no "settings.matrix"');
  return inMatrix(matrix, [...prefix, 'matrix'], findings);
}

function inMatrix(matrix: Matrix, path: ConfigPath, findings: Finding[]): Together {
  const found = matrixSize(matrix);
  if ('size' in found) return { slots: found.size, pinned: new Set(), findings };
  const what = 'the set cannot be read, so capacity.slots is 1. Set it to how many models may run together.';
  return { slots: 1, pinned: new Set(), findings: [...findings, refused([...path, 'sets', found.unread], what)] };
}

function inGroups(
  groups: Readonly<Record<string, Group>>,
  path: ConfigPath,
  { models }: Config,
  findings: Finding[],
): Together {
  const grouped = new Set(Object.values(groups).flatMap(({ members }) => members));
  const isElsewhere = Object.keys(models).some((id) => !grouped.has(id));
  const rest: Group = { swap: true, exclusive: true, persistent: false, members: isElsewhere ? [ANY] : [] };
  // Groups that leave others alone, or are left alone, run beside each other; of the others one does.
  let beside = 0;
  let alone = 0;
  for (const { swap, exclusive, persistent, members } of [rest, ...Object.values(groups)]) {
    const known = members.filter((id) => id === ANY || Object.hasOwn(models, id));
    const size = swap ? Math.min(1, known.length) : known.length;
    if (persistent || !exclusive) beside += size;
    else alone = Math.max(alone, size);
  }
  const pinned = Object.entries(groups).flatMap(([name, { persistent, swap, members }]) => {
    if (!persistent) return [];
    if (!swap) return members;
    const what = 'the members replace each other, so none is pinned, and models of other groups may evict them too';
    findings.push(noted([...path, name, 'persistent'], what));
    return [];
  });
  return { slots: Math.max(1, beside + alone), pinned: new Set(pinned), findings };
}
