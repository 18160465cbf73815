import type { EnvironmentOwner } from './environment-plan.ts';

/** As Python says it, at the end of a traceback. */
const MISSING = /^ModuleNotFoundError: No module named '([^']+)'/gm;

/** Where a plugin's packages are from. */
export interface PackageSource {
  /** The module of the plugin itself, as its manifest says it. */
  readonly module: string | undefined;
  /** The file of its requirements; undefined where Greenroom makes no environment for it. */
  readonly requirements: string | undefined;
  /** Its interpreter. */
  readonly interpreter: string;
}

/**
 * What to do where a worker has printed that a module is missing; undefined where it has not, or the module is the plugin's
 * own. It names no package: that of `cv2` is called `opencv-python`.
 */
export function missingModuleAdvice(
  printed: string,
  { plugin, manifest }: EnvironmentOwner,
  { module: own = '', requirements, interpreter }: PackageSource,
): string | undefined {
  const [missing] = [...printed.matchAll(MISSING)].at(-1)?.slice(1) ?? [];
  if (missing === undefined) return undefined;
  if (own === missing || own.startsWith(`${missing}.`)) return `Check "module" in ${manifest}.`;
  return requirements === undefined
    ? `Install the package that has this module for ${interpreter}, or list it in a requirements.txt and add "python": { "requirements": "requirements.txt" } to ${manifest}.`
    : `Add the package that has this module to ${requirements}. If it is there, run: greenroom env repair ${plugin}`;
}
