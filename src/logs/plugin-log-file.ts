import { join } from 'node:path';
import { safeFileName } from '../text/safe-file-name.ts';

/** Where the log of a plugin lies in a data directory. */
export function pluginLogFile(dataDir: string, plugin: string): string {
  return join(dataDir, 'logs', `${safeFileName(plugin)}.log`);
}
