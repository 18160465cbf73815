import { writeNow } from './descriptors.ts';
import type { PluginLog } from './plugin.ts';
import { textOf } from './text-of.ts';

const STDERR = 2;

/** A log whose lines go to standard error, where the host reads them, as `[level] message details`. */
export function createPluginLog(): PluginLog {
  return { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') };
}

/** A log must not fail for what it is given, nor where nothing reads it any more. */
function writer(level: keyof PluginLog): PluginLog[keyof PluginLog] {
  return (message, details) => {
    try {
      writeNow(STDERR, `[${level}] ${message}${details === undefined ? '' : ` ${detailsText(details)}`}\n`);
    } catch {}
  };
}

function detailsText(details: unknown): string {
  try {
    return details instanceof Error ? (details.stack ?? String(details)) : (textOf(details) ?? String(details));
  } catch {
    return String(details);
  }
}
