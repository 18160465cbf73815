// @ts-check
// npm run fuzz -- [--seed N] [--runs N] [FILE]: bytes that nobody should send, to both ends of the frames.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, runs: { type: 'string', default: '100000' } },
  allowPositionals: true,
});
for (const [option, text] of Object.entries(values)) {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) continue;
  console.error(`--${option} must be a positive integer, and "${text}" is none.`);
  process.exit(2);
}
const files = positionals.length > 0 ? positionals : ['test/fuzz'];
const { status } = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...files], {
  cwd: fileURLToPath(new URL('../..', import.meta.url)),
  env: { ...process.env, SEED: values.seed, FUZZ_RUNS: values.runs },
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
