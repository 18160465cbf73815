// @ts-check
// kill -9 of the front, the daemon and the servers of MCP at random moments, while an official client goes on calling.
import { setTimeout as delay } from 'node:timers/promises';
import { randomFrom } from '../simulation/random.mjs';
import { runIn, timesOf } from './mcp-run.mjs';
import { McpWorld, soundServers, textOf } from './mcp-world.mjs';

/** @import { Sound } from './mcp-world.mjs' */
/** @typedef {'front' | 'daemon' | 'server'} Victim */

/** How long a call may take before it counts as lost, in milliseconds: far more than any start on a busy machine. */
const LOST_MS = 60_000;

/** Servers are killed more often than what stands above them: there are more of them. */
const VICTIMS = /** @type {const} */ (['front', 'daemon', 'server', 'server', 'server']);

/** How long after a call has begun something is killed, at the most, in milliseconds. */
const MOMENT_MS = 60;

/** @param {{ kills: number, seed: number }} options */
export function runKills({ kills, seed }) {
  const world = new McpWorld();
  return runIn(world, new Kills(world, randomFrom(seed)), kills, 'The kills');
}

class Kills {
  #world;
  #random;
  /** @type {readonly Sound[]} */
  #servers;
  #front = /** @type {Awaited<ReturnType<McpWorld['connect']>>} */ (/** @type {unknown} */ (undefined));
  #fronts = 0;
  #killed = { front: 0, daemon: 0, server: 0 };
  #calls = { answered: 0, lost: 0 };
  /** How long the first call after each kill took. @type {Record<Victim, number[]>} */
  #next = { front: [], daemon: [], server: [] };
  /** How long it took until a call that ran in a killed server had failed. @type {number[]} */
  #failed = [];
  /** @type {string[]} */
  wrong = [];

  /** @param {McpWorld} world @param {() => number} random */
  constructor(world, random) {
    this.#world = world;
    this.#random = random;
    this.#servers = soundServers(world.folder);
  }

  /** @param {number} kills */
  async run(kills) {
    for (const { name, server } of this.#servers)
      this.#world.addPlugin(name, {
        ...server,
        // How often a plugin comes back is tested elsewhere.
        restart: { intensity: 1_000_000, backoff: { base_ms: 1, cap_ms: 20 } },
      });
    await this.#connect();
    for (const server of this.#servers) await this.#call(server);
    for (let kill = 0; kill < kills; kill += 1) {
      await this.#kill(this.#any(VICTIMS));
      // Others are called as well, which may have been killed a while ago.
      for (let call = 0; call < 2; call += 1) await this.#call(this.#any(this.#servers));
    }
    for (const server of this.#servers) await this.#call(server);
  }

  /** Both eras, in turn. */
  async #connect() {
    this.#fronts += 1;
    this.#front = await this.#world.connect(this.#fronts % 2 === 0 ? 'legacy' : 'auto');
  }

  /** @template T @param {readonly T[]} list @returns {T} */
  #any(list) {
    return /** @type {T} */ (list[Math.floor(this.#random() * list.length)]);
  }

  /** A call that must be answered. @param {Sound} server */
  async #call({ name, tool, args, answer }) {
    const start = performance.now();
    const request = { name: `${name}__${tool}`, arguments: args };
    const result = await this.#front.client.callTool(request, { timeout: LOST_MS });
    if (result.isError === true || !answer.test(textOf(result)))
      this.wrong.push(`A call to "${name}" was answered with ${JSON.stringify(result).slice(0, 300)}`);
    else this.#calls.answered += 1;
    return performance.now() - start;
  }

  /**
   * Kills it while a call that does not end runs in a server, and measures until the next call of that server is
   * answered. The call that ran has to fail, in the words that go with what was killed.
   *
   * @param {Victim} victim
   */
  async #kill(victim) {
    const canWait = (/** @type {Sound} */ { name }) => name === 'plain' || name === 'modern';
    const server = this.#any(victim === 'server' ? this.#servers : this.#servers.filter(canWait));
    const hasWait = canWait(server);
    const { client, frontPid } = this.#front;
    // Its last line on standard error.
    if (hasWait) await client.callTool({ name: `${server.name}__flood`, arguments: { n: 1 } }, { timeout: LOST_MS });
    else await this.#call(server);
    const running = hasWait
      ? client.callTool({ name: `${server.name}__wait` }, { timeout: LOST_MS })
      : client.callTool({ name: `${server.name}__${server.tool}`, arguments: server.args }, { timeout: LOST_MS });
    const outcome = running.then(
      (result) => ({ result, error: undefined }),
      (/** @type {Error} */ error) => ({ result: undefined, error }),
    );
    await delay(this.#random() * MOMENT_MS);
    const pid =
      victim === 'front'
        ? frontPid
        : victim === 'daemon'
          ? this.#world.daemon()?.pid
          : (await this.#world.plugins()).find(({ name }) => name === server.name)?.pid;
    if (pid === undefined) return void this.wrong.push(`There is no process of the ${victim} ("${server.name}").`);
    process.kill(pid, 'SIGKILL');
    this.#killed[victim] += 1;
    const start = performance.now();
    // Before, nobody need know that it is gone, and another call may be lost with it.
    this.#judge(victim, server, hasWait, { ...(await outcome), time: performance.now() - start });
    if (victim === 'front') {
      await this.#front.close();
      await this.#connect();
    }
    await this.#call(server);
    this.#next[victim].push(performance.now() - start);
  }

  /**
   * @param {Victim} victim @param {Sound} server @param {boolean} hasWait
   * @param {{ result: any, error: Error | undefined, time: number }} outcome
   */
  #judge(victim, { name, answer }, hasWait, { result, error, time }) {
    const said = error?.message ?? textOf(result);
    if (!hasWait && result !== undefined && result.isError !== true && answer.test(said)) {
      // It was faster than the kill, or safe to be sent again.
      this.#calls.answered += 1;
      return;
    }
    this.#calls.lost += 1;
    const expected = {
      front: /Connection closed/,
      daemon: /daemon ended while it worked on this request/,
      server: hasWait ? /SIGKILL.*Last output: line 0 x/s : /SIGKILL/,
    }[victim];
    if (!expected.test(said) || (victim === 'server') !== (result?.isError === true))
      this.wrong.push(
        `The ${victim} was killed, and a call to "${name}" ended with: ${said || JSON.stringify(result)}`,
      );
    if (victim === 'server') this.#failed.push(time);
  }

  figures() {
    const next = Object.entries(this.#next).map(([victim, times]) => [victim, timesOf(times)]);
    return {
      killed: this.#killed,
      calls: this.#calls,
      failedAfterMs: timesOf(this.#failed),
      nextAnswerMs: Object.fromEntries(next),
    };
  }
}
