// @ts-check
import { packValue } from '../../../dist/api/packed-value.js';

/**
 * @import { AttemptOutcome, Hint, TakenJob } from '../../../dist/jobs/job-store.js'
 * @import { Clock } from '../../../dist/time/clock.js'
 */

/** @typedef {{ id: string, plugin: string, priority: number, addedAt: number, ms: number, claim: number }} StoredJob */

/** How long an answer of the store takes, in milliseconds. */
const ANSWER_MS = 1;

/**
 * The shared store and the board of a fleet, in the memory of the simulation: what each node sees of them takes an answer
 * of a millisecond, and everything that is asked is counted by kind.
 */
export class SimulatedStore {
  /** @type {Map<string, StoredJob[]>} The waiting jobs of each plugin, the next first. */
  #waiting = new Map();
  /** @type {Map<string, Set<(plugin: string) => void>>} */
  #listeners = new Map();
  /** @type {Map<string, Map<string, number>>} Which nodes have a worker of a plugin, and since when. */
  #warm = new Map();
  /** @type {Map<string, number>} */
  #left = new Map();
  /** @type {Map<string, StoredJob>} */
  #taken = new Map();
  /** @type {Record<string, number>} */
  asked = {};
  waiting = 0;

  /** @param {Clock} clock @param {(job: StoredJob) => void} onEnd */
  constructor(clock, onEnd) {
    this.clock = clock;
    this.onEnd = onEnd;
  }

  /** Tells a node of jobs of a plugin. @param {string} plugin @param {(plugin: string) => void} listener */
  listen(plugin, listener) {
    const listeners = this.#listeners.get(plugin) ?? new Set();
    this.#listeners.set(plugin, listeners.add(listener));
  }

  /** @param {StoredJob} job */
  add(job) {
    this.count('add');
    this.#put(job);
    this.#hint(job.plugin);
  }

  /** @param {readonly { plugin: string, count: number }[]} wanted */
  async take(wanted) {
    this.count('take');
    await this.#answer();
    /** @type {TakenJob[]} */
    const taken = [];
    for (const { plugin, count } of wanted) {
      const given = (this.#waiting.get(plugin) ?? []).splice(0, count);
      this.count(given.length === 0 ? 'take of nothing' : 'take of jobs');
      this.waiting -= given.length;
      for (const job of given) {
        job.claim += 1;
        this.#taken.set(job.id, job);
        taken.push(takenOf(job));
      }
    }
    return taken;
  }

  async begin() {
    this.count('begin');
    await this.#answer();
  }

  async progress() {}

  /** @param {readonly { id: string, outcome: AttemptOutcome }[]} ended @returns {Promise<('ok' | 'lost')[]>} */
  async settle(ended) {
    this.count('settle');
    await this.#answer();
    return ended.map(({ id, outcome }) => {
      const job = this.#taken.get(id);
      if (job === undefined) return 'lost';
      if (outcome.end !== 'done') throw new Error(`A job of ${job.plugin} has failed: ${JSON.stringify(outcome)}`);
      this.#taken.delete(id);
      this.onEnd(job);
      return 'ok';
    });
  }

  /** @param {readonly { id: string }[]} claims */
  async giveBack(claims) {
    this.count('give back');
    await this.#answer();
    for (const { id } of claims) {
      const job = this.#taken.get(id);
      if (job === undefined) continue;
      this.#taken.delete(id);
      this.#put(job);
      this.#hint(job.plugin);
    }
  }

  /** @param {readonly string[]} plugins */
  async heads(plugins) {
    this.count('heads');
    this.count('heads of plugins', plugins.length);
    await this.#answer();
    const now = this.clock.monotonic();
    return new Map(
      plugins.flatMap((plugin) => {
        const head = this.#waiting.get(plugin)?.[0];
        return head === undefined
          ? []
          : [/** @type {const} */ ([plugin, { priority: head.priority, waitedMs: now - head.addedAt }])];
      }),
    );
  }

  /** @param {string} node @param {readonly string[]} plugins */
  async elsewhere(node, plugins) {
    this.count('elsewhere');
    await this.#answer();
    const now = this.clock.monotonic();
    return new Map(
      plugins.map((plugin) => {
        const { warm, newest } = this.#seen(node, plugin);
        const left = this.#left.get(plugin);
        return /** @type {const} */ ([
          plugin,
          {
            warm,
            newestMs: newest === undefined ? undefined : now - newest,
            coldMs: warm > 0 || left === undefined ? undefined : now - left,
            seen: String(newest),
            copies: this.#listeners.get(plugin)?.size ?? 0,
          },
        ]);
      }),
    );
  }

  /** @param {string} node @param {string} plugin @param {string} seen */
  async claim(node, plugin, seen) {
    this.count('claim');
    await this.#answer();
    if (String(this.#seen(node, plugin).newest) !== seen) {
      this.count('claim lost');
      return false;
    }
    this.#enter(node, plugin);
    return true;
  }

  /** @param {string} node @param {string} plugin */
  warm(node, plugin) {
    if (this.#warm.get(plugin)?.has(node) === true) return;
    this.count('membership');
    this.#enter(node, plugin);
  }

  /** @param {string} node @param {string} plugin */
  leave(node, plugin) {
    const nodes = this.#warm.get(plugin);
    if (nodes?.delete(node) !== true) return;
    this.count('membership');
    if (nodes.size === 0) this.#left.set(plugin, this.clock.monotonic());
  }

  /** @param {string} what @param {number} [times] */
  count(what, times = 1) {
    this.asked[what] = (this.asked[what] ?? 0) + times;
  }

  /** @param {string} node @param {string} plugin */
  #enter(node, plugin) {
    const nodes = this.#warm.get(plugin) ?? new Map();
    this.#warm.set(plugin, nodes.set(node, this.clock.monotonic()));
  }

  /** @param {string} node @param {string} plugin */
  #seen(node, plugin) {
    let [warm, newest] = [0, /** @type {number | undefined} */ (undefined)];
    for (const [other, since] of this.#warm.get(plugin) ?? [])
      if (other !== node) {
        warm += 1;
        newest = Math.max(newest ?? 0, since);
      }
    return { warm, newest };
  }

  /** @param {StoredJob} job */
  #put(job) {
    const waiting = this.#waiting.get(job.plugin) ?? [];
    this.#waiting.set(job.plugin, waiting);
    const isAfter = (/** @type {StoredJob | undefined} */ other) =>
      other !== undefined &&
      (other.priority < job.priority || (other.priority === job.priority && other.addedAt > job.addedAt));
    // Nearly always the last.
    let place = waiting.length;
    while (place > 0 && isAfter(waiting[place - 1])) place -= 1;
    waiting.splice(place, 0, job);
    this.waiting += 1;
  }

  /** @param {string} plugin */
  #hint(plugin) {
    this.count('hint');
    const listeners = this.#listeners.get(plugin);
    this.count('hint told', listeners?.size ?? 0);
    this.clock.setTimeout(() => {
      for (const tell of listeners ?? []) tell(plugin);
    }, ANSWER_MS);
  }

  /** @returns {Promise<void>} */
  #answer() {
    return new Promise((resolve) => this.clock.setTimeout(resolve, ANSWER_MS));
  }
}

/** @param {StoredJob} job @returns {TakenJob} */
function takenOf({ id, plugin, priority, claim }) {
  return {
    ...{ id, plugin, priority, claim, tool: undefined, attempt: 1, attempts: 3, timeoutMs: undefined },
    ...{ backoff: { delayMs: 1_000, factor: 2, maxMs: 600_000 }, expiresAt: undefined, once: false },
    input: INPUT,
    results: NO_RESULTS,
  };
}

const INPUT = packValue(null, 'input');
/** @type {ReadonlyMap<string, Uint8Array>} */
const NO_RESULTS = new Map();
