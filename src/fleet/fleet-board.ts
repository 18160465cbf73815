import { LinkScript, type RedisLink } from '../jobs/redis/redis-link.ts';
import type { Sighted } from './sharing-ports.ts';

/*
 * Which node has which plugin, and which has a worker of it. Below the prefix of the link, with the time of Redis in
 * milliseconds:
 *
 * - `has:{plugin}`: the nodes that have the plugin, by when they said so
 * - `warm:{plugin}`: the nodes that have a worker of it, or load one, by when they said so
 * - `left`: when the last worker of each plugin went
 * - `plugins:{node}`: the plugins of a node
 * - `names`: the plugins of all nodes
 *
 * A node counts only while it is among `nodes`, which the store of jobs keeps.
 */

const SHARED = `
local prefix, node = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function lives(other) return redis.call('ZSCORE', prefix .. ':nodes', other) ~= false end
local function warm_elsewhere(plugin)
  local members = redis.call('ZRANGE', prefix .. ':warm:' .. plugin, 0, -1, 'WITHSCORES')
  local count, newest = 0, ''
  for at = 1, #members, 2 do
    if members[at] ~= node and lives(members[at]) then
      count = count + 1
      newest = members[at + 1]
    end
  end
  return count, newest
end
local function leave(plugin)
  if redis.call('ZREM', prefix .. ':warm:' .. plugin, node) == 1 and warm_elsewhere(plugin) == 0 then
    redis.call('HSET', prefix .. ':left', plugin, now)
  end
end
local function drop(plugin)
  leave(plugin)
  redis.call('SREM', prefix .. ':plugins:' .. node, plugin)
  redis.call('ZREM', prefix .. ':has:' .. plugin, node)
  if redis.call('EXISTS', prefix .. ':has:' .. plugin) == 0 then
    redis.call('SREM', prefix .. ':names', plugin)
    redis.call('HDEL', prefix .. ':left', plugin)
  end
end
`;

const HAVE = new LinkScript(`${SHARED}
for at = 3, #ARGV do
  redis.call('ZADD', prefix .. ':has:' .. ARGV[at], now, node)
  redis.call('SADD', prefix .. ':plugins:' .. node, ARGV[at])
  redis.call('SADD', prefix .. ':names', ARGV[at])
end`);

const DROP = new LinkScript(`${SHARED}
for at = 3, #ARGV do drop(ARGV[at]) end`);

const GONE = new LinkScript(`${SHARED}
for _, plugin in ipairs(redis.call('SMEMBERS', prefix .. ':plugins:' .. node)) do drop(plugin) end`);

const WARM = new LinkScript(`${SHARED}
for at = 3, #ARGV do redis.call('ZADD', prefix .. ':warm:' .. ARGV[at], 'NX', now, node) end`);

const COLD = new LinkScript(`${SHARED}
for at = 3, #ARGV do leave(ARGV[at]) end`);

const CLAIM = new LinkScript(`${SHARED}
local _, newest = warm_elsewhere(ARGV[3])
if newest ~= ARGV[4] then return 0 end
redis.call('ZADD', prefix .. ':warm:' .. ARGV[3], now, node)
return 1`);

const ELSEWHERE = new LinkScript(`${SHARED}
local found = {}
for at = 3, #ARGV do
  local plugin = ARGV[at]
  local count, newest = warm_elsewhere(plugin)
  local left = redis.call('HGET', prefix .. ':left', plugin)
  table.insert(found, { count, newest, newest == '' and -1 or now - newest,
    left and count == 0 and now - left or -1, redis.call('ZCARD', prefix .. ':has:' .. plugin) })
end
return found`);

const RANK = new LinkScript(`${SHARED}
local plugin = ARGV[3]
local function place(other) return redis.sha1hex(plugin .. '\\0' .. other) end
local own, before = place(node), 0
for _, other in ipairs(redis.call('ZRANGE', prefix .. ':has:' .. plugin, 0, -1)) do
  if lives(other) and place(other) < own then before = before + 1 end
end
return before`);

/** Whether other nodes have each of some plugins. */
const HAD = new LinkScript(`${SHARED}
local found = {}
for at = 3, #ARGV do
  local is = 0
  for _, other in ipairs(redis.call('ZRANGE', prefix .. ':has:' .. ARGV[at], 0, -1)) do
    if lives(other) then is = 1 break end
  end
  table.insert(found, is)
end
return found`);

/** Which node has which plugin, and a worker of it, as all nodes of a fleet say it. Its methods reject with `E_JOB_STORE`. */
export class FleetBoard {
  readonly #link: RedisLink;
  readonly #node: string;

  constructor(link: RedisLink, node: string) {
    this.#link = link;
    this.#node = node;
  }

  /** This node has these plugins. */
  async have(plugins: readonly string[]): Promise<void> {
    if (plugins.length > 0) await this.#run(HAVE, plugins);
  }

  /** This node has them no more. */
  async drop(plugins: readonly string[]): Promise<void> {
    if (plugins.length > 0) await this.#run(DROP, plugins);
  }

  /** This node has a worker of these plugins, or loads one. */
  async warm(plugins: readonly string[]): Promise<void> {
    if (plugins.length > 0) await this.#run(WARM, plugins);
  }

  /** This node has no worker of them any more. */
  async cold(plugins: readonly string[]): Promise<void> {
    if (plugins.length > 0) await this.#run(COLD, plugins);
  }

  /** Says that this node loads the plugin, unless another has said so since what was `seen`: false then. */
  async claim(plugin: string, seen: string): Promise<boolean> {
    return (await this.#run(CLAIM, [plugin, seen])) === 1;
  }

  /** What the other nodes have of these plugins. */
  async elsewhere(plugins: readonly string[]): Promise<ReadonlyMap<string, Sighted>> {
    const found = (await this.#run(ELSEWHERE, plugins)) as readonly [number, Buffer, number, number, number][];
    return new Map(
      found.map(([warm, newest, newestMs, coldMs, copies], index) => [
        plugins[index] ?? '',
        { warm, seen: String(newest), newestMs: known(newestMs), coldMs: known(coldMs), copies },
      ]),
    );
  }

  /** The place of this node among the living that have the plugin, which is another for each plugin; from 0. */
  async rank(plugin: string): Promise<number> {
    return Number(await this.#run(RANK, [plugin]));
  }

  /** Which of these plugins a living node has. */
  async had(plugins: readonly string[]): Promise<ReadonlySet<string>> {
    const found = (await this.#run(HAD, plugins)) as readonly number[];
    return new Set(plugins.filter((_, index) => found[index] === 1));
  }

  /** The plugins of all nodes. */
  async names(): Promise<readonly string[]> {
    return (await this.#link.send(['SMEMBERS', this.#link.key('names')])) as string[];
  }

  /** The plugins of each of these nodes. */
  async pluginsOf(nodes: readonly string[]): Promise<readonly (readonly string[])[]> {
    return (await this.#link.sendAll(nodes.map((node) => ['SMEMBERS', this.#link.key('plugins', node)]))) as string[][];
  }

  /** Whether the others still know of this node what it has told them. */
  async isKnown(): Promise<boolean> {
    return (await this.#link.send(['EXISTS', this.#link.key('plugins', this.#node)])) === 1;
  }

  /** A node has died: nothing that it has told counts any more. */
  async gone(node: string): Promise<void> {
    await this.#link.run(GONE, [this.#link.prefix, node], true);
  }

  /** All of them say the same when they are run twice. */
  #run(script: LinkScript, args: readonly string[]): Promise<unknown> {
    return this.#link.run(script, [this.#link.prefix, this.#node, ...args], true);
  }
}

/** A figure of a script, where -1 is none. */
function known(figure: number): number | undefined {
  return figure < 0 ? undefined : figure;
}
