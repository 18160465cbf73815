// @ts-check
// npm run bench:gateways [-- --quick]: a call of a server of MCP by Streamable HTTP, through Greenroom and through other
// gateways, in one run. All of it shares one core, where taskset is there.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { within } from '../within.mjs';
import { NAMES, openGateway } from './gateways.mjs';

/** @import { Gateway } from './gateways.mjs' */

const { rounds, count } = process.argv.includes('--quick') ? { rounds: 3, count: 20 } : { rounds: 15, count: 60 };
const SKIP = 10;
const AT_ONCE = 16;
/** How long after its server was killed a gateway is asked again, if it fails, in milliseconds. */
const AGAIN_MS = [0, 1_000, 5_000];
const LIMIT_MS = 10_000;

if (process.env['GREENROOM_BENCH_PINNED'] === undefined && spawnSync('taskset', ['-c', '0', 'true']).status === 0) {
  const args = ['-c', '0', process.execPath, ...process.argv.slice(1)];
  const env = { ...process.env, GREENROOM_BENCH_PINNED: '1' };
  process.exit(spawnSync('taskset', args, { stdio: 'inherit', env }).status ?? 1);
}
const peers = fileURLToPath(new URL('..', import.meta.url));
if (!existsSync(join(peers, 'node_modules/mcp-hub'))) {
  console.error('installing the peers: npm ci in bench/peers');
  spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: peers, stdio: 'inherit' });
}

const folder = mkdtempSync(join(tmpdir(), 'greenroom-gateways-'));
/** @type {Gateway[]} */
const gateways = [];
try {
  for (const name of NAMES) {
    try {
      gateways.push(await openGateway(name, folder));
    } catch (error) {
      console.error(`${name}: not measured, ${String(error)}`);
    }
  }
  /** @type {Map<string, number[]>} */
  const medians = new Map(gateways.map(({ name }) => [name, []]));
  for (let round = -1; round < rounds; round += 1)
    // Each round begins with another one.
    for (const { name, client } of gateways.map((_, index) => gateways[(index + round + 1) % gateways.length])) {
      const took = await medianOf(client);
      // In the first one everything is compiled.
      if (round >= 0) medians.get(name)?.push(took);
    }
  console.log(
    `load ${loadavg()
      .map((each) => each.toFixed(1))
      .join(', ')}; p50 of an echo is the median of ${rounds} rounds`,
  );
  console.log('| gateway | echo, p50 | of direct | 16 at once, lost | after kill −9 of the server |');
  console.log('| --- | --: | --: | --: | --- |');
  const direct = median(medians.get('direct') ?? []);
  for (const gateway of gateways) {
    const p50 = median(medians.get(gateway.name) ?? []);
    const lost = await lostAtOnce(gateway);
    const isBare = gateway.name.startsWith('direct');
    const after = isBare ? '' : await afterKill(gateway);
    console.log(`| ${gateway.name} | ${p50.toFixed(2)} ms | ${(p50 / direct).toFixed(2)}× | ${lost} | ${after} |`);
  }
} finally {
  await Promise.all(gateways.map(({ client, close }) => (client.close(), close())));
  rmSync(folder, { recursive: true, force: true });
}

/** @param {Gateway['client']} client */
async function medianOf(client) {
  const times = [];
  for (let index = 0; index < SKIP + count; index += 1) {
    const start = performance.now();
    const text = await within(LIMIT_MS, () => client.call({ text: `hello ${index}` }));
    if (index >= SKIP) times.push(performance.now() - start);
    if (text !== `hello ${index}`) throw new Error(`the answer is not what was sent: ${text}`);
  }
  return median(times);
}

/** How many of ten times sixteen calls have no answer, or another. @param {Gateway} gateway */
async function lostAtOnce({ client }) {
  let lost = 0;
  for (let turn = 0; turn < 10; turn += 1) {
    const texts = Array.from({ length: AT_ONCE }, (_, index) => `${turn} ${index}`);
    const answers = await Promise.allSettled(texts.map((text) => within(LIMIT_MS, () => client.call({ text }))));
    lost += answers.filter((answer, index) => answer.status === 'rejected' || answer.value !== texts[index]).length;
  }
  return `${lost} of ${10 * AT_ONCE}`;
}

/** What becomes of the calls after the server was killed. @param {Gateway} gateway */
async function afterKill({ client }) {
  const pid = Number(await client.call({ pid: true }));
  process.kill(pid, 'SIGKILL');
  // What is sent before it is gone is lost with it.
  while (isThere(pid)) await new Promise((resolve) => setTimeout(resolve, 1));
  let before = 0;
  let failure = '';
  for (const ms of AGAIN_MS) {
    await new Promise((resolve) => setTimeout(resolve, ms - before));
    before = ms;
    const start = performance.now();
    try {
      await within(LIMIT_MS, () => client.call({ text: 'again' }));
      const took = Math.round(performance.now() - start);
      return failure === '' ? `answers in ${took} ms` : `${failure}; answers after ${ms / 1_000} s`;
    } catch (error) {
      failure ||= `"${error instanceof Error ? error.message.slice(0, 80) : String(error)}"`;
    }
  }
  return `${failure}, after 5 s as well`;
}

/** @param {number} pid */
function isThere(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** @param {number[]} numbers */
function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
