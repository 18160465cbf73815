// @ts-check
// npm run simulate -- --trace FILE: replays who called what through the scheduler, in simulated time.
// npm run simulate -- --make KIND: makes a trace. See --help.
import { parseArgs } from 'node:util';
import { didYouMean } from '../../dist/cli/arguments.js';
import { createProgressBar } from '../../dist/cli/terminal/progress-bar.js';
import { Terminal } from '../../dist/cli/terminal/terminal.js';
import { UsageError } from '../../dist/cli/usage-error.js';
import { EVICTION_ORDERS, POLICY_NAMES, policyNamed } from '../../dist/scheduler/policies/policies.js';
import { KINDS, makeTrace, SIZES } from './make.mjs';
import { replay } from './replay.mjs';
import { reportLines, tableLines } from './report.mjs';
import { linesOf, readTrace, TraceError } from './trace.mjs';

/** @import { Result } from './report.mjs' */
/** @import { Trace } from './trace.mjs' */

const HELP = `Replays traces through the scheduler, in simulated time and without processes.

Usage: npm run simulate -- --trace FILE [OPTIONS]
       npm run -s simulate -- --make KIND [OPTIONS] > FILE

Replay:
  --trace FILE       the trace, - for standard input; may be repeated
  --policy NAME      ${POLICY_NAMES.join(', ')} (default queue)
  --order NAME       ${EVICTION_ORDERS.join(', ')} (default lru)
  --capacity-mb N    the memory for all, in MiB (default: what the trace says)
  --table            compare the orders, as a table in Markdown
  --json             print JSON for programs, and nothing else

Make a trace:
  --make KIND        ${KINDS.join(', ')}
  --seed N           what the trace follows from (default 1)
  --plugins N        how many plugins (default 24)
  --calls N          how many calls (default 500)
  --sizes KIND       ${SIZES.join(', ')} (default skewed)

Exit status: 0 done; 1 an invariant of the scheduler does not hold; 2 the command line is not right; 4 a trace is not.`;

const OPTIONS = /** @type {const} */ ({
  trace: { type: 'string', multiple: true },
  policy: { type: 'string', default: 'queue' },
  order: { type: 'string' },
  'capacity-mb': { type: 'string' },
  table: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  make: { type: 'string' },
  seed: { type: 'string' },
  plugins: { type: 'string' },
  calls: { type: 'string' },
  sizes: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
});

const terminal = new Terminal(process.argv.includes('--json'));
process.exitCode = await main(process.argv.slice(2));

/** @param {string[]} args */
async function main(args) {
  try {
    const values = parse(args);
    if (values.help) await terminal.print(HELP);
    else if (values.make !== undefined) await make(values, values.make);
    else await simulate(values);
    return 0;
  } catch (error) {
    const [code, status] =
      error instanceof UsageError ? ['E_USAGE', 2] : error instanceof TraceError ? ['E_TRACE', 4] : ['E_INTERNAL', 1];
    const message = error instanceof Error ? error.message : String(error);
    if (terminal.json) await terminal.print(JSON.stringify({ error: { code, message } }));
    terminal.note(`${terminal.err.red('error:')} ${message}`);
    const hint =
      error instanceof UsageError ? (error.hint ?? 'npm run simulate -- --help lists the options.') : undefined;
    if (hint !== undefined) terminal.note(`${terminal.err.cyan('hint:')}  ${hint}`);
    if (status === 1 && error instanceof Error) terminal.note(terminal.err.dim(error.stack ?? ''));
    return status;
  }
}

/** @typedef {ReturnType<typeof parse>} Values */

/** @param {string[]} args */
function parse(args) {
  try {
    return parseArgs({ args, options: OPTIONS }).values;
  } catch (error) {
    const given = /'(--[^']*)'/.exec(String(error))?.[1] ?? '';
    const message = error instanceof Error ? error.message.replaceAll('\n', ' ') : String(error);
    throw new UsageError(
      message,
      didYouMean(
        given,
        Object.keys(OPTIONS).map((name) => `--${name}`),
      ),
    );
  }
}

/** @param {Values} values @param {string} wanted */
async function make(values, wanted) {
  refuseOptions(values, ['trace', 'order', 'capacity-mb'], '--make');
  const trace = makeTrace({
    kind: oneOf('make', wanted, KINDS),
    seed: count('seed', values.seed, 0) ?? 1,
    plugins: count('plugins', values.plugins, 1) ?? 24,
    calls: count('calls', values.calls, 1) ?? 500,
    sizes: oneOf('sizes', values.sizes ?? 'skewed', SIZES),
  });
  for (const line of linesOf(trace)) {
    await terminal.print(line);
    if (terminal.left.aborted) return;
  }
}

/** @param {Values} values */
async function simulate(values) {
  refuseOptions(values, ['seed', 'plugins', 'calls', 'sizes'], '--trace');
  const files = values.trace ?? [];
  if (files.length === 0) throw new UsageError('Neither a trace to replay nor one to make is named.');
  if (values.table && values.order !== undefined)
    throw new UsageError('--table compares all orders; leave out --order.');
  const policy = oneOf('policy', values.policy, POLICY_NAMES);
  const orders = values.table ? EVICTION_ORDERS : [oneOf('order', values.order ?? 'lru', EVICTION_ORDERS)];
  const capacityMb = count('capacity-mb', values['capacity-mb'], 1);
  /** @type {Result[]} */
  const results = [];
  for (const file of files) {
    const trace = await readTrace(file);
    for (const order of orders) results.push(run(trace, policy, order, capacityMb));
  }
  if (values.json) return terminal.printJson(results);
  const lines = values.table
    ? tableLines(results)
    : results.flatMap((result) => [...reportLines(result), '']).slice(0, -1);
  for (const line of lines) await terminal.print(line);
}

/**
 * @param {Trace} trace @param {typeof POLICY_NAMES[number]} policy @param {typeof EVICTION_ORDERS[number]} order
 * @param {number} [capacityMb] @returns {Result}
 */
function run(trace, policy, order, capacityMb = trace.capacityMb) {
  const bar = createProgressBar(process.stderr);
  const start = performance.now();
  try {
    const outcome = replay(trace, {
      policy: policyNamed(policy, { order }),
      capacityMb,
      onProgress: (fraction) => bar.update(fraction, `${trace.name}, ${order}`),
    });
    const { name, plugins, calls } = trace;
    return { trace: name, policy, order, capacityMb, plugins: plugins.length, calls: calls.length, ...outcome };
  } finally {
    bar.end();
    const seconds = (performance.now() - start) / 1_000;
    terminal.note(terminal.err.dim(`${trace.name}, ${order}: replayed in ${seconds.toFixed(1)} s`));
  }
}

/** @template {string} T @param {string} option @param {string} given @param {readonly T[]} known @returns {T} */
function oneOf(option, given, known) {
  const found = known.find((name) => name === given);
  if (found !== undefined) return found;
  throw new UsageError(`--${option} "${given}" is none of ${known.join(', ')}.`, didYouMean(given, known));
}

/** @param {string} option @param {string | undefined} given @param {number} least */
function count(option, given, least) {
  if (given === undefined) return undefined;
  const value = Number(given);
  if (given.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(`--${option} "${given}" is no whole number from ${least} on.`);
}

/** @param {Values} values @param {readonly (keyof Values)[]} names @param {string} beside */
function refuseOptions(values, names, beside) {
  const given = names.find((name) => values[name] !== undefined);
  if (given !== undefined) throw new UsageError(`--${given} does not go with ${beside}.`);
}
