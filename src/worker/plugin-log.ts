import type { PluginLog } from './plugin.ts';

/** A log whose lines go to standard error, where the host reads them, as `[level] message details`. */
export function createPluginLog(): PluginLog {
  return { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') };
}

function writer(level: keyof PluginLog): PluginLog[keyof PluginLog] {
  return (message, details) => {
    process.stderr.write(`[${level}] ${message}${details === undefined ? '' : ` ${detailsText(details)}`}\n`);
  };
}

/** A log must not fail for what it is given. */
function detailsText(details: unknown): string {
  try {
    return details instanceof Error ? (details.stack ?? String(details)) : (JSON.stringify(details) ?? String(details));
  } catch {
    return String(details);
  }
}
