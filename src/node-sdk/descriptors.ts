const { readSync, writeSync } = process.getBuiltinModule('node:fs');

/** How long to wait where the host handed over a descriptor that does not block, in milliseconds. */
const RETRY_MS = 1;

const pause = new Int32Array(new SharedArrayBuffer(4));
const { wait } = Atomics;

/** Reads what there is into `chunk`, waiting for it; 0 at the end. */
export function readNow(fd: number, chunk: Uint8Array): number {
  try {
    return untilReady(() => readSync(fd, chunk));
  } catch (error) {
    // How Windows tells the end of a pipe.
    if ((error as NodeJS.ErrnoException).code === 'EOF') return 0;
    throw error;
  }
}

/**
 * Writes all of `text`, waiting while the pipe is full. Not by `process.stdout` and `process.stderr`, which a plugin may
 * have replaced or ended.
 */
export function writeNow(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; ) {
    const from = written;
    written += untilReady(() => writeSync(fd, bytes, from));
  }
}

function untilReady(act: () => number): number {
  for (;;) {
    try {
      return act();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      wait(pause, 0, 0, RETRY_MS);
    }
  }
}
