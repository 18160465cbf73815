// @ts-check
// npm run words: holds what users read, the documentation and the texts in the source, to plain words. Each word of the
// list has a better one; docs/state-machines.md is drawn from the machines.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** @type {readonly (readonly [avoided: RegExp, instead: string])[]} */
const WORDS = [
  [/\b(had|has|have) (not )?to go\b|\btold to go\b/, 'evict, evicted'],
  [/\bwho waits?\b|\bthose who\b|\bthose that wait\b/, 'waiting calls, waiting plugins'],
  [/\btakes? up\b/, 'needs, reserves, uses'],
  [/\bmend(s|ed|ing)?\b/, 'fix'],
  [/\b(is|are) none\b/, 'unknown, missing'],
  [/\b(is|are) one too many\b/, 'unexpected'],
  [/\bmeans nothing here\b/, 'unknown, ignored'],
  [/\bsuccessors?\b/, 'replacement, new worker'],
  [/\bneeds not\b/, 'need not'],
  [/\bat nothing\b|\bat work\b/, 'idle, busy'],
  [/\bdeeds?\b|\bguests?\b/, 'action, call'],
  [/\bpassed over\b/, 'overtaken, ignored'],
  [/\broom (is|was|of)\b|\bno room\b/, 'capacity, memory'],
  [/\bmade room\b|\bmakes room\b/, 'evict'],
  [/\bwhoever\b/i, 'name the thing'],
];

const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { encoding: 'utf8' }).split('\n');
const pages = files.filter((file) => /^[^/]+\.md$|^(docs|examples)\/.*\.md$/.test(file) && !isDrawn(file));
const sources = files.filter((file) => /^src\/.*\.tsx?$/.test(file));
let faults = 0;

// Code in a page is quoted, as it is.
for (const file of pages)
  check(
    file,
    readFileSync(file, 'utf8')
      .replaceAll(/`[^`\n]*`/g, '``')
      .split('\n')
      .entries(),
  );
for (const file of sources) check(file, textsIn(readFileSync(file, 'utf8')));
process.exitCode = faults === 0 ? 0 : 1;

/** @param {string} file */
function isDrawn(file) {
  return file === 'docs/state-machines.md';
}

/** @param {string} file @param {Iterable<readonly [line: number, text: string]>} texts */
function check(file, texts) {
  for (const [line, text] of texts) {
    for (const [avoided, instead] of WORDS) {
      const found = avoided.exec(text)?.[0];
      if (found === undefined) continue;
      faults += 1;
      console.error(`${file}:${line + 1}: "${found}": ${instead}`);
    }
  }
}

/** The strings and templates of a source, with the lines that they begin in. @param {string} source */
function* textsIn(source) {
  const parts = /\/\/.*|\/\*[^]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;
  for (const { 0: part, index } of source.matchAll(parts)) {
    if (part.startsWith('/')) continue;
    yield/** @type {const} */ ([source.slice(0, index).split('\n').length - 1, part]);
  }
}
