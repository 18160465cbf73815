import type { MissingPlace } from './find-daemon.ts';
import { displayPath } from './terminal/display-path.ts';

/** What is said of a search path or a configuration that an option names and that is not there. */
export function missingText({ option, path }: MissingPlace): string {
  const shown = displayPath(path);
  const place = option === '--search-path' ? `The search path ${shown}` : `The configuration ${shown}`;
  const next = option === '--search-path' ? `Correct ${option}, or create the folder.` : `Correct ${option}.`;
  return `${place} does not exist. ${next}`;
}
