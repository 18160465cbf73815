import { stripVTControlCharacters } from 'node:util';
import { shortened } from '../text/shortened.ts';

/** How much of what a program printed a message takes, in characters. */
const MAX_WORDS = 500;

/** How npm begins the lines that tell of an error. */
const NPM_ERROR = /^npm (?:error|ERR!) ?/;

/** Lines of npm that say nothing to people: its own numbers of an error, and where its log is. */
const NOT_THE_REASON = /^(?:(?:code|errno|syscall|path|dest|network) \S+$|A complete log of this run|\s*$)/;

/**
 * Why a package was not installed, in what npm or uv said of it: the first line by which npm explains its error, else the
 * last line that says anything. Empty where nothing was printed.
 */
export function installFailure(lines: readonly string[]): string {
  const plain = lines.map((line) => stripVTControlCharacters(line).trimEnd());
  const reason = plain
    .filter((line) => NPM_ERROR.test(line))
    .map((line) => line.replace(NPM_ERROR, ''))
    .find((line) => !NOT_THE_REASON.test(line));
  return shortened((reason ?? plain.findLast((line) => line.trim() !== '') ?? '').trim(), MAX_WORDS);
}
