/** What says whether anybody needs the daemon. */
export interface IdleEndOptions {
  /** Whether a client is connected, or a plugin works. Asked now and then. */
  isNeeded(): boolean;
  /** Whether there is work that no plugin is at, such as a job that waits. Asked before the end. Must not reject. */
  hasWork(): Promise<boolean>;
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
export function watchIdleEnd({
  isNeeded,
  hasWork,
  limitMs,
  onIdle,
  now = () => performance.now(),
}: IdleEndOptions): () => void {
  let neededAt = now();
  let isAsking = false;
  const stop = (): void => clearInterval(timer);
  const look = async (): Promise<void> => {
    if (isNeeded()) neededAt = now();
    if (isAsking || now() - neededAt < limitMs) return;
    isAsking = true;
    const isWanted = await hasWork();
    isAsking = false;
    // Somebody may have come meanwhile.
    if (isWanted || isNeeded()) {
      neededAt = now();
    } else {
      stop();
      onIdle();
    }
  };
  const timer = setInterval(() => void look(), Math.max(1, Math.min(LOOK_MS, limitMs / 4)));
  timer.unref();
  return stop;
}
