/** What messages say for programs, and what a user of the command line does instead. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/\bcall retry\(\)/g, 'use "greenroom jobs retry"'],
  [/\bCall retry\(\)/g, 'Use "greenroom jobs retry"'],
  [/\bremove\(\) that job\b/g, 'remove that job with "greenroom jobs remove"'],
  [/\blist\(\) shows the jobs\b/g, '"greenroom jobs list" shows the jobs'],
  [/\bRaise timeoutMs\b/g, 'Raise --timeout'],
  [/ \(ttlMs\)/g, ' (--ttl)'],
  [/ Call execute\("[^"]*", …\) instead\./g, ''],
  [/\bcall it with stream\(\), not execute\(\)/g, 'call it with --stream'],
  [/\bwith \{ tool \}; tools\("[^"]*"\) lists them/g, 'with --tool; "greenroom list --tools" lists them'],
  [/\btools\("[^"]*"\) lists the schema\b/g, '"greenroom list --tools --json" lists the schema'],
  [/\btools\("[^"]*"\)/g, '"greenroom list --tools"'],
  [/\bplugins\(\), "greenroom list", or GET \/api\/plugins\./g, '"greenroom list".'],
  [/\bplugins\(\) or "greenroom list"/g, '"greenroom list"'],
  [/: load\("([^"]*)", \{ config \}\)/g, ': greenroom run $1 --config JSON'],
  [/: load\("([^"]*)"\)\./g, ': greenroom load $1'],
  [/\bcall load\("([^"]*)"\)/gi, 'run "greenroom load $1"'],
  [/\blogs\("([^"]*)"\)/g, '"greenroom logs $1"'],
];

/** A message of the library in the words of the command line: commands and options in place of methods and their options. */
export function inCliWords(message: string): string {
  let said = message;
  for (const [words, instead] of WORDS) said = said.replace(words, instead);
  return said;
}
