import { unpackValue } from '../api/packed-value.ts';
import { CallStream } from '../calls/stream.ts';
import { StreamHandle } from '../calls/stream-handle.ts';
import type { GreenroomError } from '../errors.ts';
import type { Said } from '../jobs/redis/redis-replies.ts';
import type { Clock } from '../time/clock.ts';

/** What a stream through a fleet is fed by. */
export interface FleetStreamParts {
  readonly clock: Clock;
  /** Makes the call, and gives what it says until it has ended; to leave it, or to abort the signal, cancels the call. */
  readonly said: (left: AbortSignal) => AsyncIterable<Said>;
  /** Told of what is no chunk. */
  readonly onOther: (said: Said) => void;
}

/**
 * What the reader of a call through a fleet holds, as of one that runs here: it starts with the first `next()`, holds up
 * what feeds it while it is behind, and cancels the call once it is left or collected. How long a reader may leave items
 * unread is up to the node that runs the call.
 */
export function fleetStream({ clock, said, onOther }: FleetStreamParts): StreamHandle<unknown> {
  const left = new AbortController();
  let held: Promise<void> | undefined;
  let resume = (): void => {};
  const feed = async (): Promise<void> => {
    try {
      for await (const each of said(left.signal)) {
        if (each.kind === 'chunk') stream.push(unpackValue(each.packed), each.packed.byteLength);
        else onOther(each);
        await held;
        if (left.signal.aborted) break;
      }
      stream.end();
    } catch (error) {
      stream.fail(error as GreenroomError);
    }
  };
  const source = {
    start: () => void feed(),
    pause: () => {
      held = new Promise((resolve) => (resume = resolve));
    },
    resume: () => {
      held = undefined;
      resume();
    },
    cancel: () => {
      left.abort();
      resume();
    },
    warn: () => {},
    expire: () => {},
  };
  const stream = new CallStream<unknown>(source, { clock, idleMs: Infinity });
  return new StreamHandle(stream);
}
