import { expect, test } from 'vitest';
import { noStreamsError, timeoutError, unreachableError } from '../../src/calls/call-errors.ts';
import { inCliWords } from '../../src/cli/cli-words.ts';
import { blockerFailed, expired, interruptedTooOften, otherInput, unknownJob } from '../../src/jobs/job-errors.ts';

test.each([
  [interruptedTooOften('p', 3).message, 'then use "greenroom jobs retry" to run it again.'],
  [blockerFailed('p', 'x', 'failed').message, 'Use "greenroom jobs retry" for both, that one first.'],
  [
    otherInput({ plugin: 'p', key: 'k' }, 'x').message,
    'or remove that job with "greenroom jobs remove" once it has ended.',
  ],
  [unknownJob('x').message, '"greenroom jobs list" shows the jobs there are.'],
  [expired('p', 1_000).message, '(--ttl)'],
  [timeoutError('p', 5, 'running').message, 'Raise --timeout if it needs longer.'],
  [noStreamsError('p').message, 'does not support streaming.'],
  [unreachableError('p', undefined).message, 'See "greenroom logs p".'],
  ['"p" is not loaded. Load it first: load("p").', 'Load it first: greenroom load p'],
  ['Fix it, then call load("p").', 'Fix it, then run "greenroom load p".'],
  ['The tool "x" only streams: call it with stream(), not execute().', 'call it with --stream.'],
  ['Name one of its tools with { tool }; tools("p") lists them.', 'with --tool; "greenroom list --tools" lists them.'],
  ['Those that there are: plugins(), "greenroom list", or GET /api/plugins.', 'there are: "greenroom list".'],
  ['and 2 other problems. tools("p") lists the schema.', 'problems. "greenroom list --tools --json" lists the schema.'],
])('what %j says for programs is said as a command or an option', (message, said) => {
  const shown = inCliWords(message);
  expect(shown).toContain(said);
  expect(shown).not.toMatch(/\w\(("|\))|timeoutMs|ttlMs/);
});
