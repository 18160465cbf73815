import { createStyle } from './style.ts';
import { fitText } from './text-width.ts';

/** One line of a terminal that says how far something has come. */
export interface ProgressBar {
  /** Draws the line anew. `fraction` is 0 to 1, or -1 where it is unknown; `message` is what is being done. */
  update(fraction: number, message?: string): void;
  /** Takes the line away. Another `update` draws it again. */
  end(): void;
}

/** A terminal is not drawn to more often than this, in milliseconds. */
const DRAW_EVERY_MS = 60;

const BAR_COLUMNS = 30;

/** How many columns of the bar move to and fro where the fraction is not known. */
const RUNNER_COLUMNS = 6;

/** A progress bar on a terminal; on any other output it draws nothing. */
export function createProgressBar(stream: NodeJS.WriteStream): ProgressBar {
  if (!stream.isTTY) return { update() {}, end() {} };
  const style = createStyle(stream);
  let drawnAt = 0;
  let steps = 0;
  let timer: NodeJS.Timeout | undefined;
  let latest = { fraction: -1, message: '' };
  const draw = (): void => {
    clearTimeout(timer);
    timer = undefined;
    drawnAt = performance.now();
    const { fraction, message } = latest;
    // The last column stays empty: some terminals go to the next line when it is written to.
    const columns = (stream.columns || 80) - 1;
    const width = Math.min(BAR_COLUMNS, columns - 8);
    if (width < 1) return;
    const [before, filled, after] = fraction < 0 ? running((steps += 1), width) : filledTo(fraction, width);
    const percent = fraction < 0 ? '    ' : `${Math.floor(clamp(fraction) * 100)}%`.padStart(4);
    const bar = `${style.dim('░'.repeat(before))}${style.cyan('█'.repeat(filled))}${style.dim('░'.repeat(after))}`;
    const text = fitText(message, columns - width - 8);
    stream.write(`\r  ${bar} ${percent} ${text}\u001b[K`);
  };
  return {
    update(fraction, message = '') {
      latest = { fraction, message };
      const left = drawnAt + DRAW_EVERY_MS - performance.now();
      if (left <= 0) draw();
      // The last one must not be left out: nothing may follow for long.
      else timer ??= setTimeout(draw, left).unref();
    },
    end() {
      clearTimeout(timer);
      timer = undefined;
      if (drawnAt === 0) return;
      drawnAt = 0;
      stream.write('\r\u001b[K');
    },
  };
}

/** The columns before, of and after the filled part. */
type Parts = readonly [number, number, number];

function filledTo(fraction: number, width: number): Parts {
  const filled = Math.round(clamp(fraction) * width);
  return [0, filled, width - filled];
}

function running(step: number, width: number): Parts {
  const runner = Math.min(RUNNER_COLUMNS, width);
  const span = width - runner;
  const at = span === 0 ? 0 : span - Math.abs((step % (2 * span)) - span);
  return [at, runner, span - at];
}

function clamp(fraction: number): number {
  return Math.min(1, Math.max(0, fraction));
}
