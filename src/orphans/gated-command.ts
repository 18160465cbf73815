import { canRunGuard, GUARD_SHELL } from './orphan-protection.ts';

/** Becomes the program that it is given once it has read a line; ends where there is none to read. */
const GATE = 'read -r line && exec "$0" "$@"';

/** A program and its arguments. `gated`: it does nothing until a line is written to its standard input. */
export type GatedCommand = readonly [file: string, args: readonly string[], gated: boolean];

/**
 * Holds a program, by its absolute path, in a shell that waits for a line before it becomes the program: nobody could end
 * what it starts before it is protected. Where no shell can be run, it is started as it is.
 */
export function gatedCommand(program: string, args: readonly string[]): GatedCommand {
  return canRunGuard(GUARD_SHELL) ? [GUARD_SHELL, ['-c', GATE, program, ...args], true] : [program, args, false];
}
