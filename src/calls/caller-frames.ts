import { fileURLToPath } from 'node:url';
import { GreenroomError } from '../errors.ts';

/** Where the frames of this package lie, which say nothing of the caller. */
const OWN = new URL('..', import.meta.url);
const OWN_PLACES = [OWN.href, fileURLToPath(OWN)];

/** The stacks of errors that have got a caller's frames, as they were before: an error may end several calls. */
const originalStacks = new WeakMap<Error, string>();

/**
 * A promise that is rejected with the error once the stack of that has the frames of the asynchronous functions that wait
 * for it: what ends a call comes from a socket or a timer, and its own stack leads nowhere near the program. Costs nothing
 * unless a call fails, as V8 finds who waits; with `.then()` instead of `await` nobody is found.
 *
 * To be returned to the caller, or resolved with in the same turn. An error that another call was given already is copied.
 */
export function rejectedForCaller(error: unknown): Promise<never> {
  // The first step is there for the second to run when the caller's promise waits for it.
  return Promise.reject(error).catch(rethrow).catch(throwWithFrames);
}

/** The promise, with what it is rejected with as of {@link rejectedForCaller}. */
export function withCallerFrames<T>(promise: Promise<T>): Promise<T> {
  return promise.catch(throwWithFrames);
}

function rethrow(error: unknown): never {
  throw error;
}

function throwWithFrames(error: unknown): never {
  if (!(error instanceof GreenroomError)) throw error;
  const here: { readonly stack?: string } = {};
  Error.captureStackTrace(here, throwWithFrames);
  const isTold = framesOf(originalStacks.get(error) ?? error.stack).length > 0;
  const frames = isTold ? [] : framesOf(here.stack);
  throw frames.length === 0 ? error : framed(error, frames);
}

/** The frames of a stack that are the program's, not this package's, Node's or a library's. */
function framesOf(stack = ''): string[] {
  return stack
    .split('\n')
    .filter(
      (line) =>
        /^ +at /.test(line) &&
        !OWN_PLACES.some((place) => line.includes(place)) &&
        !/node:|\/node_modules\/|<anonymous>/.test(line),
    );
}

function framed(error: GreenroomError, frames: readonly string[]): GreenroomError {
  const former = originalStacks.get(error);
  const { code, message, plugin, cause, remote, details, stack = '' } = error;
  // Those of another caller would be wrong, and this one's are wrong there.
  const own = former === undefined ? error : new GreenroomError(code, message, { plugin, cause, remote, details });
  originalStacks.set(own, former ?? stack);
  Reflect.set(own, 'stack', [former ?? stack, ...frames].join('\n'));
  return own;
}
