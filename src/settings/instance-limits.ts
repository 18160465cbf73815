import { instanceCount } from '../manifest/instances.ts';
import type { ManifestIssue } from '../manifest/manifest-issue.ts';
import type { Manifest } from '../manifest/schema.ts';
import type { Need } from '../scheduler/need.ts';
import { manifestNeed } from './plugin-settings.ts';
import type { ResolvedSettings } from './resolve.ts';
import type { Capacity } from './values.ts';

/** How many instances one part of the capacity holds, and what so many of them need of it, in words. */
interface Limit {
  readonly fit: number;
  readonly text: (count: number) => string;
}

/**
 * The numbers in a manifest's `instances` that the capacity can never hold by what the manifest says that each needs.
 * The plugin runs all the same, with as many as there is capacity for. Nothing under `permissive`, which grants
 * everything, or under a policy of the program, which may.
 */
export function instanceIssues(
  manifest: Manifest,
  { capacity, policy }: Pick<ResolvedSettings, 'capacity' | 'policy'>,
): readonly ManifestIssue[] {
  const { instances } = manifest;
  if (instances === undefined || (policy !== 'queue' && policy !== 'safety')) return [];
  const [first, ...others] = limitsOf(manifestNeed(manifest), capacity);
  if (first === undefined) return [];
  const { fit, text } = others.reduce((least, limit) => (limit.fit < least.fit ? limit : least), first);
  return countsOf(instances).flatMap(([field, written]) => {
    const count = instanceCount(written);
    // That not even one fits is said of `resources`, by the refusal of the first call.
    if (count <= Math.max(1, fit)) return [];
    const cores = written === 'cores' ? ' ("cores" on this machine)' : '';
    const most = fit === 0 ? 'not even one fits' : `at most ${fit} fit${fit === 1 ? 's' : ''}`;
    const reason = `${count} instances${cores} need ${text(count)}: ${most}; lower it, or raise the capacity`;
    return [{ field, reason }];
  });
}

type Written = Exclude<Manifest['instances'], undefined>;

/** The numbers in `instances`, by their fields. */
function countsOf(instances: Written): (readonly [field: string, written: number | 'cores'])[] {
  if (typeof instances !== 'object') return [['instances', instances]];
  return [['instances.min', instances.min ?? 1] as const, ['instances.max', instances.max] as const];
}

function limitsOf({ vramMb: vram, ramMb: ram, spread = 1 }: Need, { slots, ramMb, vramMb, gpus }: Capacity): Limit[] {
  const limits: Limit[] = [];
  const megabytes = (each: number, all: number | undefined, what: string): void => {
    if (all === undefined || each === 0) return;
    const text = (count: number): string => `${count * each} MiB of ${what}, the capacity is ${Math.floor(all)} MiB`;
    limits.push({ fit: Math.floor(all / each), text });
  };
  megabytes(ram, ramMb, 'memory');
  megabytes(vram, vramMb, 'GPU memory');
  if (gpus !== undefined) {
    const amounts = Object.values(gpus);
    const sum = amounts.reduce((total, amount) => total + amount, 0);
    megabytes(vram, sum, 'GPU memory');
    if (spread === 1 && vram > 0) {
      const fit = amounts.reduce((total, amount) => total + Math.floor(amount / vram), 0);
      const text = `${vram} MiB of GPU memory each, on one GPU, the capacity is ${amounts.map(Math.floor).join(' + ')} MiB`;
      limits.push({ fit, text: () => text });
    }
  }
  if (slots !== undefined) {
    const text = (count: number): string => `${count} slots, the capacity is ${slots}`;
    limits.push({ fit: slots, text });
  }
  return limits;
}
