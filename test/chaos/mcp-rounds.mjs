// @ts-check
// Six servers of MCP in slots for three, called in turn, and then beside five that are broken, each in its own way.
import { setTimeout as delay } from 'node:timers/promises';
import { randomFrom } from '../simulation/random.mjs';
import { runIn, timesOf } from './mcp-run.mjs';
import { fixture, McpWorld, soundServers, textOf } from './mcp-world.mjs';

/** @import { Sound } from './mcp-world.mjs' */

const SLOTS = 3;
/** How often the call is of a server that runs, so that both are seen and recency has many orders. */
const SHARE_OF_HITS = 0.75;

/** The servers that are broken. `x` makes each a program of its own. @type {Record<string, import('./mcp-world.mjs').Server>} */
const BROKEN = {
  absent: { command: '/nowhere/no-such-server' },
  exits: fixture('--exit-at-once'),
  prints: { ...fixture(), env: { x: 'prints' } },
  floods: { ...fixture(), env: { x: 'floods' } },
  deaf: { ...fixture(), env: { x: 'deaf' } },
};

/** @param {{ calls: number, seed: number }} options */
export function runRounds({ calls, seed }) {
  const world = new McpWorld({ GREENROOM_CAPACITY: `slots=${SLOTS}` });
  return runIn(world, new Rounds(world, randomFrom(seed)), calls, 'The rounds');
}

class Rounds {
  #world;
  #random;
  #servers;
  /** @type {Awaited<ReturnType<McpWorld['connect']>>['client']} */
  #client = /** @type {never} */ (undefined);
  #next = 0;
  /** The servers that run by the model, the least recently used first. @type {Sound[]} */
  #resident = [];
  /** In milliseconds, of calls that found their server and of those that had to start it. @type {Record<'found' | 'started', number[]>} */
  #times = { found: [], started: [] };
  #evictions = 0;
  #memory = {};
  /** @type {string[]} */
  wrong = [];

  /** @param {McpWorld} world @param {() => number} random */
  constructor(world, random) {
    this.#world = world;
    this.#random = random;
    this.#servers = soundServers(world.folder);
  }

  /** @param {number} calls */
  async run(calls) {
    const world = this.#world;
    const sound = Object.fromEntries(this.#servers.map(({ name, server }) => [name, server]));
    world.configure({ ...sound, ...BROKEN });
    const front = await world.connect('auto');
    this.#client = front.client;
    const { tools } = await this.#client.listTools();
    const listed = new Set(tools.map(({ name }) => name.split('__')[0]));
    for (const { name } of this.#servers) if (!listed.has(name)) this.wrong.push(`"${name}" was not listed.`);
    // Each has been used once then, so that the last three are known to run.
    for (const server of this.#servers) await this.#call(server);
    this.#resident = this.#servers.slice(-SLOTS);
    for (let call = 0; call < calls; call += 1) await this.#modelled();
    await this.#besideBroken();
    await this.#explained();
    const daemon = world.daemon()?.pid ?? 0;
    this.#memory = { daemonRssMiB: world.rssOf(daemon), frontRssMiB: world.rssOf(front.frontPid) };
  }

  /** @param {Sound} server */
  async #call({ name, tool, args, answer }) {
    const start = performance.now();
    const result = await this.#client.callTool({ name: `${name}__${tool}`, arguments: args });
    const time = performance.now() - start;
    if (result.isError === true || !answer.test(textOf(result)))
      this.wrong.push(`A call to "${name}" was answered with ${JSON.stringify(result).slice(0, 300)}`);
    return time;
  }

  /** A call, and whether it finds what the model of the least recently used says. */
  async #modelled() {
    const isHit = this.#random() < SHARE_OF_HITS;
    const server = /** @type {Sound} */ (
      isHit ? this.#resident[Math.floor(this.#random() * SLOTS)] : this.#servers[this.#next % this.#servers.length]
    );
    if (!isHit) this.#next += 1;
    const wasRunning = this.#resident.includes(server);
    const time = await this.#call(server);
    this.#times[wasRunning ? 'found' : 'started'].push(time);
    const others = this.#resident.filter((each) => each !== server);
    if (!wasRunning) {
      others.shift();
      this.#evictions += 1;
    }
    this.#resident = [...others, server];
    const running = await this.#running();
    const expected = this.#resident.map(({ name }) => name).toSorted();
    if (running.join() !== expected.join())
      this.wrong.push(
        `After a call to "${server.name}" ${running.join(', ')} ran, and not ${expected.join(', ')}. ${await this.#world.greenroom('explain', server.name)}`,
      );
  }

  async #running() {
    const plugins = await this.#world.plugins();
    return plugins.flatMap(({ name, pid }) => (pid === undefined ? [] : [name])).toSorted();
  }

  /** Two rounds of the sound ones, while each of the broken ones does what it does. */
  async #besideBroken() {
    const sound = [...this.#servers, ...this.#servers];
    await Promise.all([
      (async () => {
        for (const server of sound) await this.#call(server);
      })(),
      this.#says('absent__echo', {}, /no-such-server does not exist/),
      this.#says('exits__echo', {}, /status 3 .*no API key was given/),
      this.#prints(),
      this.#floods(),
      this.#deaf(),
    ]);
  }

  /** @param {string} name @param {Record<string, unknown>} args @param {RegExp} error */
  async #says(name, args, error) {
    const result = await this.#client.callTool({ name, arguments: args });
    if (result.isError !== true || !error.test(textOf(result)))
      this.wrong.push(`"${name}" was answered with ${JSON.stringify(result).slice(0, 300)}, and not with ${error}.`);
  }

  async #prints() {
    for (let call = 0; call < 3; call += 1) {
      const result = await this.#client.callTool({ name: 'prints__noise' });
      if (textOf(result) !== 'quiet') this.wrong.push(`"prints" was answered with ${JSON.stringify(result)}.`);
    }
    const log = await this.#world.greenroom('logs', 'prints');
    if (!log.includes('hello from a print')) this.wrong.push(`What "prints" printed is not in its log: ${log}`);
  }

  async #floods() {
    const result = await this.#client.callTool({ name: 'floods__flood', arguments: { n: 20_000 } });
    if (textOf(result) !== 'flooded') this.wrong.push(`"floods" was answered with ${JSON.stringify(result)}.`);
    await this.#says('floods__die', {}, /status 9\. Last output: the disk is on fire/);
    const log = await this.#world.greenroom('logs', 'floods', '--lines', '20');
    if (!log.includes('the disk is on fire')) this.wrong.push(`The last line of "floods" is not in its log: ${log}`);
  }

  /** It takes no notice of a cancel, and is replaced so that the next call is answered. */
  async #deaf() {
    const controller = new AbortController();
    const options = { signal: controller.signal };
    const call = this.#client.callTool({ name: 'deaf__block', arguments: { ms: 60_000 } }, options);
    const refused = call.then(
      () => this.wrong.push('A call that was cancelled was answered.'),
      () => {},
    );
    const find = async () => (await this.#world.plugins()).find(({ name }) => name === 'deaf');
    let deaf;
    while (deaf?.state !== 'busy') {
      await delay(10);
      deaf = await find();
    }
    const { pid } = deaf;
    controller.abort();
    await refused;
    // What is sent to it before waits for it too.
    while ((await find())?.pid === pid) await delay(50);
    const after = textOf(await this.#client.callTool({ name: 'deaf__whoami' }));
    if (JSON.parse(after).pid === pid) this.wrong.push(`"deaf", process ${pid}, was not replaced.`);
  }

  /** What is wrong with each is found on the command line too, with what the server printed last. */
  async #explained() {
    for (const [name, words] of /** @type {const} */ ([
      ['absent', /no-such-server does not exist/],
      ['exits', /status 3 .*no API key was given/],
    ])) {
      const explained = await this.#world.greenroom('explain', name);
      if (!words.test(explained)) this.wrong.push(`"greenroom explain ${name}" does not say ${words}: ${explained}`);
    }
    const ps = await this.#world.greenroom('ps', '--all');
    for (const words of [/absent .*E_GIVEN_UP/, /exits .*E_START/, /floods .*E_/])
      if (!words.test(ps)) this.wrong.push(`"greenroom ps --all" does not say ${words}: ${ps}`);
  }

  figures() {
    const { found, started } = this.#times;
    return {
      calls: found.length + started.length,
      found: timesOf(found),
      started: timesOf(started),
      evictions: this.#evictions,
      ...this.#memory,
    };
  }
}
