import type { EnvironmentOwner } from './environment-plan.ts';

/** As Python says it, at the end of a traceback. */
const MISSING = /^ModuleNotFoundError: No module named '([^']+)'/gm;

/** As the worker says of the plugin's own module. */
const OWN_MISSING = /there is no module '[^']+' in /;

/** The worker's own line with the command that installs it. */
const HAS_COMMAND = /^To install it, run: /m;

/** Where a plugin's packages are from. */
export interface PackageSource {
  /** The file of its requirements; undefined where Greenroom makes no environment for it. */
  readonly requirements: string | undefined;
  /** Its interpreter. */
  readonly interpreter: string;
}

/**
 * What to do where a worker has printed that a module is missing; undefined where it has not. It names no package: that of `cv2` is called `opencv-python`.
 */
export function missingModuleAdvice(
  printed: string,
  { plugin, manifest }: EnvironmentOwner,
  { requirements, interpreter }: PackageSource,
): string | undefined {
  const [missing] = [...printed.matchAll(MISSING)].at(-1)?.slice(1) ?? [];
  if (OWN_MISSING.test(printed)) return `Check "module" in ${manifest}.`;
  if (missing === undefined) return undefined;
  if (requirements === undefined) {
    // The worker knows the command where its interpreter has a pip.
    const install = HAS_COMMAND.test(printed)
      ? 'Or'
      : `Install the package that has this module for ${interpreter}, or`;
    return `${install} list it in a requirements.txt and add "python": { "requirements": "requirements.txt" } to ${manifest}.`;
  }
  return `Add the package that has this module to ${requirements}. If it is there, run: greenroom env repair ${plugin}`;
}
