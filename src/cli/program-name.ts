/**
 * What a shell knows the command line by: `npx greenroom` where `npx` has run it, as a package that is installed in a
 * project is not on the shell's path; else `greenroom`. npm says by `npm_command` what it runs.
 */
export function programName(env: NodeJS.ProcessEnv = process.env): string {
  return env['npm_command'] === 'exec' ? 'npx greenroom' : 'greenroom';
}
