/** What says whether anybody needs the daemon. */
export interface IdleEndOptions {
  /** Whether a client is connected, or a plugin works. Asked now and then. */
  isNeeded(): boolean;
  /** For how long it has to be unneeded without a break, in milliseconds. */
  readonly limitMs: number;
  /** Called once. */
  onIdle(): void;
  /** Milliseconds of any clock. */
  readonly now?: (() => number) | undefined;
}

/** How often it is looked, at the most, in milliseconds. */
const LOOK_MS = 1_000;

/** Calls back when nobody has needed a daemon for long enough. Returns how to stop watching. */
export function watchIdleEnd({ isNeeded, limitMs, onIdle, now = () => performance.now() }: IdleEndOptions): () => void {
  let neededAt = now();
  const timer = setInterval(
    () => {
      if (isNeeded()) neededAt = now();
      else if (now() - neededAt >= limitMs) {
        clearInterval(timer);
        onIdle();
      }
    },
    Math.max(1, Math.min(LOOK_MS, limitMs / 4)),
  );
  timer.unref();
  return () => clearInterval(timer);
}
